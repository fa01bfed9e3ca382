// Tokenizes rule files as an editor does, and says where the colours are not what the text is.
// node test/grammar.js FILE.dl...; exit code 1 when something is wrong.
"use strict";

const fs = require("fs");
const path = require("path");
const { Registry, parseRawGrammar, INITIAL } = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

const GRAMMAR = path.join(__dirname, "..", "syntaxes", "guidelog.tmLanguage.json");

async function load() {
  const wasm = fs.readFileSync(path.join(path.dirname(require.resolve("vscode-oniguruma")), "onig.wasm"));
  await oniguruma.loadWASM(wasm);
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) => (scope === "source.guidelog" ? parseRawGrammar(fs.readFileSync(GRAMMAR, "utf8"), GRAMMAR) : null),
  });
  return registry.loadGrammar("source.guidelog");
}

// What a word must be, by what stands around it: an independent, slower look at one line.
function expected(line) {
  const found = [];
  const taken = [];
  for (const match of line.matchAll(/"(?:[^"\\]|\\.)*"|%.*$/g)) {
    taken.push([match.index, match.index + match[0].length]);
    found.push([match.index, match[0].startsWith("%") ? "comment.line" : "string.quoted", match[0]]);
  }
  const free = (index) => !taken.some(([from, to]) => from <= index && index < to);
  const add = (pattern, scope) => {
    for (const match of line.matchAll(pattern)) {
      if (free(match.index)) found.push([match.index, scope, match[0]]);
    }
  };
  add(/^\.[a-z]+/g, "keyword.declaration");
  add(/(?<!^\.[a-z]+ )\b(?:advise|include|note|finding|measure|in_scope)(?=\()/g, "support.function");
  add(/(?<=[(,]\s*)[A-Z][A-Za-z0-9]*(?=\s*[,)])/g, "variable");
  add(/(?<![A-Za-z0-9_])[0-9]+(?![A-Za-z0-9_])/g, "constant.numeric");
  add(/:-/g, "keyword");
  return found;
}

async function main(files) {
  const grammar = await load();
  let checked = 0;
  const wrong = [];
  for (const file of files) {
    let state = INITIAL;
    fs.readFileSync(file, "utf8").split("\n").forEach((line, number) => {
      const result = grammar.tokenizeLine(line, state);
      state = result.ruleStack;
      for (const [index, scope, text] of expected(line)) {
        const token = result.tokens.find((t) => t.startIndex <= index && index < t.endIndex);
        checked += 1;
        if (!token || !token.scopes.some((s) => s.startsWith(scope))) {
          wrong.push(`${file}:${number + 1}:${index + 1}: \`${text}\` is ${token ? token.scopes.join(" ") : "nothing"}, not ${scope}`);
        }
      }
    });
    if (state.depth !== INITIAL.depth && state.depth > 1) wrong.push(`${file}: something is still open at its end`);
  }
  console.log([...wrong.slice(0, 20), `${checked} words in ${files.length} files, ${wrong.length} with the wrong colour`].join("\n"));
  process.exit(wrong.length || !checked ? 1 : 0);
}

main(process.argv.slice(2));
