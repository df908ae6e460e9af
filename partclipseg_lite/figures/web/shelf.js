// Files that are too large for one script and may not be fetched from a page that is a file: scripts hand over pieces.

/** Collects the pieces that scripts hand over, and puts files together from them. */
export function shelf(folder, { pieces, loader }, listen) {
  const found = {};
  const total = Object.values(pieces)
    .flat()
    .reduce((sum, length) => sum + length, 0);
  let done = 0;
  globalThis.playgroundPiece = (name, number, text) => {
    found[name] ??= [];
    found[name][number] = text;
    done += text.length;
    listen(done / total);
  };
  const all = Object.entries(pieces).flatMap(([name, lengths]) => lengths.map((_, i) => `${name}-${i}.js`));
  return {
    async fetch() {
      await script(folder + loader);
      await Promise.all(all.map(file => script(folder + file)));
    },
    /** The bytes of a file. */
    async take(name) {
      const bytes = await unpacked(found[name].join(""));
      delete found[name];
      return bytes;
    },
  };
}

/** Loads a script beside the page; pages that are files may load nothing else. */
function script(address) {
  return new Promise((resolve, reject) => {
    const node = document.createElement("script");
    node.src = address;
    node.onload = () => {
      node.remove();
      resolve();
    };
    node.onerror = () => reject(new Error(`${address} could not be loaded; was the whole book copied?`));
    document.head.append(node);
  });
}

/** Bytes of base64 text. */
export function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function unpacked(text) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("this browser cannot unpack the models; a version from 2023 or later can");
  }
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
