// Node loads this before the CDK (stacks/node.py). The CDK validates templates in WebAssembly, which V8 begins to
// optimize as it runs; Node would wait at its end until that is done, an eighth of a synth. NODE_OPTIONS does not
// accept this flag of V8.
require("node:v8").setFlagsFromString("--wasm-tiering-budget=2147483647");
