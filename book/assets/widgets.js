// ipywidgets' viewer, loaded after this, looks for its own fonts beside the address that require.js gives it: in the
// book, not at a CDN.
window.require = { baseUrl: new URL("vendor", document.currentScript.src).href };
