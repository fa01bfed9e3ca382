// A published file: the engine runs in a worker of this page (Pyodide), and what the pages ask of a server is answered
// there. Nothing leaves the page; there is no network to use.
"use strict";
(function () {
  const stored = JSON.parse(document.getElementById("edition-pages").textContent);
  const state = document.getElementById("edition-state");
  const waiting = new Map();
  let count = 0;

  async function bytes(id) {
    const element = document.getElementById(id);
    const packed = Uint8Array.from(atob(element.textContent.trim()), function (c) {
      return c.charCodeAt(0);
    });
    element.remove();
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  // In the worker: its text is this function's.
  function inside() {
    let pages = null;
    self.onmessage = async function (event) {
      const task = event.data;
      try {
        if (task.start) {
          const url = function (content, kind) {
            return URL.createObjectURL(new Blob([content], { type: kind }));
          };
          const fetched = self.fetch.bind(self);
          self.fetch = function (address, how) {
            if (String(address).endsWith("pyodide.asm.wasm")) {
              return Promise.resolve(new Response(task.wasm, { headers: { "Content-Type": "application/wasm" } }));
            }
            return fetched(address, how);
          };
          const loader = await import(url(task.loader, "text/javascript"));
          const python = await loader.loadPyodide({
            indexURL: url(task.runtime, "text/javascript") + "#",
            lockFileContents: new TextDecoder().decode(task.lock),
            stdLibURL: url(task.library, "application/zip"),
          });
          python.unpackArchive(task.site, "zip", { extractDir: "/edition" });
          let layout = null;
          if (task.graphviz) {
            const module = await import(url(task.graphviz, "text/javascript"));
            const graphviz = await module.Graphviz.load();
            layout = function (dot, format, engine) {
              return graphviz.layout(dot, format, engine);
            };
          }
          python.globals.set("graphviz", layout);
          python.globals.set("offered", python.toPy(task.offered));
          python.runPython(
            "import sys\nsys.path.insert(0, '/edition')\n" +
              "from guidelog.editions.in_browser import Pages\n" +
              "from guidelog.web.pages.clinician.examples import Example\n" +
              "pages = Pages('/edition/guideline', tuple(Example(n, s) for n, s in offered), graphviz)\n"
          );
          pages = python.globals.get("pages");
          self.postMessage({ id: task.id, value: true });
          return;
        }
        const call = pages[task.name];
        const found = task.file ? call(task.file, pages.content(task.content)) : call.callKwargs(...task.given, task.named || {});
        const value = found && found.toJs ? found.toJs() : found;
        self.postMessage({ id: task.id, value: value });
      } catch (error) {
        self.postMessage({ id: task.id, wrong: String(error.message || error) });
      }
    };
  }

  const worker = new Worker(URL.createObjectURL(new Blob(["(" + inside + ")()"], { type: "text/javascript" })));
  worker.onmessage = function (event) {
    const task = waiting.get(event.data.id);
    waiting.delete(event.data.id);
    if (event.data.wrong) task.fail(new Error(event.data.wrong));
    else task.done(event.data.value);
  };

  function ask(message, moved) {
    return new Promise(function (done, fail) {
      count += 1;
      waiting.set(count, { done: done, fail: fail });
      worker.postMessage({ ...message, id: count }, moved || []);
    });
  }

  const ready = (async function () {
    const names = ["loader", "runtime", "wasm", "library", "lock", "site", "graphviz"];
    const parts = {};
    for (const name of names) {
      if (document.getElementById("edition-" + name)) parts[name] = await bytes("edition-" + name);
    }
    await ask({ start: true, ...parts, offered: stored.offered }, Object.values(parts));
    document.documentElement.dataset.ready = "yes";
    state.textContent = "Ready: answers are worked out and checked in this page.";
  })();
  ready.catch(function (error) {
    state.textContent = "This browser cannot run the engine: " + error.message;
  });

  async function answer(path, body, part) {
    await ready;
    return ask({ name: "respond", given: [path, body], named: { part: part } });
  }

  // What tests compare with the command line.
  window.guidelogAnswers = async function (vignette) {
    await ready;
    return ask({ name: "answers", given: [vignette] });
  };

  function keep(name, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = name;
    link.click();
  }

  window.fetch = async function (address, how) {
    const path = String(address).split("#")[0];
    if (how && how.method === "POST") {
      const [status, , text] = await answer(path, String(how.body), true);
      return new Response(text, { status: status, headers: { "Content-Type": "text/html" } });
    }
    if (path in stored.pages) return new Response(stored.pages[path], { headers: { "Content-Type": "text/html" } });
    return new Response("", { status: 404 });
  };

  // htmx speaks XMLHttpRequest: as much of it as it uses.
  window.XMLHttpRequest = class {
    constructor() {
      this.upload = new EventTarget();
      this.status = 0;
      this.responseText = this.response = "";
      this.headers = "";
      this.gone = false;
    }
    open(method, path) {
      this.path = path;
      this.responseURL = "https://edition.invalid" + path;
    }
    setRequestHeader() {}
    overrideMimeType() {}
    addEventListener(kind, what) {
      this["on" + kind] = what;
    }
    getAllResponseHeaders() {
      return "content-type: text/html\r\n";
    }
    getResponseHeader(name) {
      return name.toLowerCase() === "content-type" ? "text/html" : null;
    }
    abort() {
      this.gone = true;
      if (this.onabort) this.onabort();
    }
    async send(body) {
      try {
        const [status, , text] = await answer(this.path, String(body), true);
        if (this.gone) return;
        this.status = status;
        this.readyState = 4;
        this.responseText = this.response = text;
        this.onload();
      } catch (error) {
        if (!this.gone && this.onerror) this.onerror();
      }
    }
  };

  document.addEventListener(
    "submit",
    async function (event) {
      const button = event.submitter;
      const form = event.target;
      const path = button && button.getAttribute("formaction");
      if (form.id === "load") {
        event.preventDefault();
        event.stopImmediatePropagation();
        const file = form.elements.file.files[0];
        await ready;
        const [, , text] = await ask({ name: "load", file: file.name, content: await file.arrayBuffer() });
        window.htmx.swap("#work", text, { swapStyle: "outerHTML" });
      } else if (path === "/record" || path === "/certificate") {
        event.preventDefault();
        event.stopImmediatePropagation();
        const [status, name, text] = await answer(path, String(new URLSearchParams(new FormData(form))), true);
        if (status === 200) keep(name, text);
        else state.textContent = text;
      }
    },
    true
  );

  // There are no other pages to go to: those of the review are in the file.
  document.addEventListener(
    "click",
    function (event) {
      const link = event.target instanceof Element && event.target.closest("a[href^='/']");
      if (!link || link.closest("#work, #drawer-body")) return;
      event.preventDefault();
      if (link.getAttribute("href") === "/") window.scrollTo(0, 0);
      else window.guidelogShow(link.getAttribute("href"));
    },
    true
  );
})();
