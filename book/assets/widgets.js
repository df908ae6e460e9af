// Two things that ipywidgets' viewer expects of a page, provided before it loads.

// It looks for its own fonts beside the address that require.js gives it: that address is in the book, not at a CDN.
window.require = { baseUrl: new URL("vendor", document.currentScript.src).href };

// It asks MathJax 2 to set the formulas of its labels; the book has MathJax 3.
window.addEventListener("load", () => {
  if (window.MathJax?.startup && !window.MathJax.Hub) {
    window.MathJax.Hub = {
      Queue: ([, , element]) => window.MathJax.startup.promise.then(() => window.MathJax.typesetPromise([element])),
    };
  }
});
