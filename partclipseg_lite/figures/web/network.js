// The networks of the playground: onnxruntime-web, and what goes into and out of a graph.

/** onnxruntime with its WebAssembly at hand, so that it asks for no file. */
export async function startRuntime(files) {
  const runtime = globalThis.ort;
  runtime.env.logLevel = "error";
  runtime.env.wasm.numThreads = 1; // pages that are files get no memory to share between threads
  runtime.env.wasm.wasmBinary = (await files.take("wasm")).buffer;
  const module = new Blob([await files.take("mjs")], { type: "text/javascript" });
  runtime.env.wasm.wasmPaths = { mjs: URL.createObjectURL(module) };
  return runtime;
}

/** Sessions for the text encoder, the image encoders and the decoders. */
export async function openNetworks(files, runtime, models, listen) {
  const names = ["text", ...new Set(models.map(model => model.encoder)), ...models.map(model => model.name)];
  const sessions = {};
  for (const [i, name] of names.entries()) {
    // The graphs were simplified when the book was made: to do it again takes longer than it saves.
    const options = { graphOptimizationLevel: "disabled" };
    sessions[name] = await runtime.InferenceSession.create(await files.take(name), options);
    listen((i + 1) / names.length);
  }
  return networks(runtime, sessions, models);
}

/** What the graphs compute, in plain arrays. */
export function networks(runtime, sessions, models) {
  const floats = (data, dims) => new runtime.Tensor("float32", data, dims);
  const whole = (values, dims = [values.length]) =>
    new runtime.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
  return {
    /** Embeddings of texts, given as tokens, each Float32Array [E]. */
    async embed(tokens) {
      const length = Math.max(...tokens.map(row => row.length));
      const rows = tokens.flatMap(row => [...row, ...new Array(length - row.length).fill(0)]);
      const { embeddings } = await sessions.text.run({ tokens: whole(rows, [tokens.length, length]) });
      const width = embeddings.dims[1];
      return tokens.map((_, i) => embeddings.data.slice(i * width, (i + 1) * width));
    },

    /** Activations of a picture, Uint8Array [side * side * 3], for the models that share an encoder. */
    async encode(encoder, pixels) {
      const { side } = models.find(model => model.encoder === encoder);
      return sessions[encoder].run({ image: new runtime.Tensor("uint8", pixels, [side, side, 3]) });
    },

    /** A decoder's outputs. `words`: {parts, objects, partOf, objectOf} or {phrases}, embeddings and numbers. */
    async decode(name, activations, words) {
      const stacked = rows => {
        const width = rows[0].length;
        const data = new Float32Array(rows.length * width);
        for (const [i, row] of rows.entries()) data.set(row, i * width);
        return floats(data, [rows.length, width]);
      };
      const given = words.phrases
        ? { phrases: stacked(words.phrases) }
        : {
            parts: stacked(words.parts),
            objects: stacked(words.objects),
            part_of: whole(words.partOf),
            object_of: whole(words.objectOf),
          };
      const found = await sessions[name].run({ ...activations, ...given });
      return Object.fromEntries(Object.entries(found).map(([output, tensor]) => [output, planes(tensor)]));
    },
  };
}

/** A tensor [C, ...] as C arrays. */
function planes(tensor) {
  const [count, ...rest] = tensor.dims;
  const size = rest.reduce((product, length) => product * length, 1);
  return Array.from({ length: count }, (_, i) => tensor.data.subarray(i * size, (i + 1) * size));
}
