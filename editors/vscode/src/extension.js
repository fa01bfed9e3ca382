// Starts `guidelog lsp` and shows what its commands answer. Everything else is the server's.
"use strict";

const path = require("path");
const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

function start() {
  const [command, ...args] = vscode.workspace.getConfiguration("guidelog").get("command");
  const run = { command, args, transport: TransportKind.stdio };
  client = new LanguageClient("guidelog", "guidelog", { run, debug: run }, {
    documentSelector: [
      { scheme: "file", language: "guidelog" },
      { scheme: "file", language: "yaml", pattern: "**/vignettes/**/*.{yaml,yml}" },
    ],
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/{*.dl,guideline.toml,vignettes/**}") },
    middleware: { executeCommand: showWhy },
  });
  return client.start();
}

// The code lens asks why a rule holds; the answer is shown as a page with the vignettes to choose from.
async function showWhy(command, args, next) {
  const answer = await next(command, args);
  if (command !== "guidelog.why" || !answer) {
    return answer;
  }
  const picked = await vscode.window.showQuickPick(answer.vignettes, {
    title: `${answer.rule}: ${answer.vignettes.length} vignettes`,
    placeHolder: answer.text.split("\n").filter(Boolean).pop() || "",
  });
  if (picked) {
    await client.sendRequest("workspace/executeCommand", { command: "guidelog.useVignette", arguments: [args[0], picked] });
    const folder = path.dirname(vscode.Uri.parse(args[0]).fsPath);
    const found = await vscode.workspace.findFiles(new vscode.RelativePattern(folder, `vignettes/**/${picked}.{yaml,yml}`), null, 1);
    if (found.length) {
      await vscode.window.showTextDocument(found[0], { preview: true, viewColumn: vscode.ViewColumn.Beside });
    }
  }
  return answer;
}

async function chooseVignette() {
  const editor = vscode.window.activeTextEditor;
  if (!editor || !client) {
    return;
  }
  const name = path.basename(editor.document.fileName).replace(/\.ya?ml$/, "");
  const rules = path.join(path.dirname(path.dirname(editor.document.fileName)), "rules.dl");
  const used = await client.sendRequest("workspace/executeCommand", {
    command: "guidelog.useVignette", arguments: [vscode.Uri.file(rules).toString(), name],
  });
  vscode.window.setStatusBarMessage(used ? `hovers are evaluated on ${name}` : `${name} is not a vignette here`, 5000);
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("guidelog.restart", async () => { await client?.stop(); await start(); }),
    vscode.commands.registerCommand("guidelog.chooseVignette", chooseVignette),
  );
  await start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
