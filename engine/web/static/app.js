// What the pages do beyond plain forms and htmx: sources and explanations in a drawer, details kept open and focus kept
// in place when a part is replaced, print. Without this file everything works as whole pages.
"use strict";
(function () {
  document.documentElement.classList.add("js");

  const open = new Set();
  let pressed = false;

  function remember() {
    document.querySelectorAll("details[id]").forEach(function (d) {
      if (d.open && !d.classList.contains("menu")) open.add(d.id);
      else open.delete(d.id);
    });
  }

  function restore(root) {
    root.querySelectorAll("details[id]").forEach(function (d) {
      if (open.has(d.id)) d.open = true;
    });
    root.querySelectorAll("[data-print]").forEach(function (b) {
      b.hidden = false;
    });
  }

  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:beforeRequest", function (event) {
    const source = event.target instanceof Element ? event.target : null;
    pressed = Boolean(source && source.closest("#front, .menu, .aside"));
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    restore(document);
    // After a reply the next question is read out; the same button must not be pressed twice by accident.
    const lost = document.activeElement === document.body || document.activeElement === null;
    const restored = event.detail.requestConfig && event.detail.requestConfig.elt === document.body;
    if (event.target.id === "work" && !restored && (pressed || lost)) {
      const heading = document.getElementById("next-title");
      if (heading) heading.focus({ preventScroll: window.matchMedia("(min-width: 64em)").matches });
    }
    if (event.target.id === "work") pressed = false;
  });

  // The drawer: another page's content beside this one, so that nothing here is left or lost.
  const drawer = document.getElementById("drawer");
  let opener = null;

  async function show(request, address) {
    const heading = document.getElementById("drawer-title");
    const body = document.getElementById("drawer-body");
    const whole = document.getElementById("drawer-page");
    heading.textContent = "…";
    body.replaceChildren();
    whole.hidden = !address;
    if (address) whole.href = address;
    if (!drawer.open) {
      opener = document.activeElement;
      drawer.showModal();
    }
    let text = "";
    try {
      const answer = await request();
      text = await answer.text();
      if (!answer.ok && answer.status !== 422) throw new Error(String(answer.status));
    } catch (error) {
      heading.textContent = "This could not be loaded";
      body.textContent = "The server does not answer, or does not know this page any more. What you entered is kept.";
      return;
    }
    const page = new DOMParser().parseFromString(text, "text/html");
    const main = page.getElementById("main");
    const title = main && main.querySelector("h1");
    heading.textContent = title ? title.textContent : page.title;
    body.append(...(main ? main.childNodes : []));
    body.querySelectorAll("[id]").forEach(function (e) {
      if (e.closest("svg")) return;
      e.id = "in-" + e.id;
    });
    body.querySelectorAll("[aria-labelledby]").forEach(function (e) {
      if (!e.closest("svg") && !e.matches("svg")) e.setAttribute("aria-labelledby", "in-" + e.getAttribute("aria-labelledby"));
    });
    const fragment = address && address.split("#")[1];
    const place = fragment && document.getElementById("in-" + fragment);
    if (place) place.scrollIntoView();
    heading.focus();
  }

  window.guidelogShow = function (address) {
    show(function () {
      return window.fetch(address.split("#")[0], { headers: { Accept: "text/html" } });
    }, address);
  };

  if (drawer) {
    drawer.addEventListener("close", function () {
      document.getElementById("drawer-body").replaceChildren();
      if (opener && opener.isConnected) opener.focus();
    });
  }

  document.addEventListener("submit", function (event) {
    const button = event.submitter;
    const form = event.target;
    if (button && button.classList.contains("first") && window.htmx) {
      // Enter in a field: the answers are there already, so the page stays where it is.
      event.preventDefault();
      window.htmx.trigger(form, "input");
    } else if (button && button.name === "explain" && drawer) {
      event.preventDefault();
      const sent = new URLSearchParams(new FormData(form, button));
      show(function () {
        return window.fetch("/explain", { method: "POST", body: sent, headers: { Accept: "text/html" } });
      }, "");
    }
  });

  document.addEventListener("click", function (event) {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    if (target.closest("[data-print]")) window.print();
    if (target.closest("[data-close]") && drawer) drawer.close();
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!menu.contains(target)) menu.open = false;
    });
    const jump = target.closest("[data-line]");
    const editor = document.getElementById("text");
    if (jump && editor) {
      const lines = editor.value.split("\n");
      const line = Number(jump.dataset.line);
      const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      editor.focus();
      editor.setSelectionRange(start, start + (lines[line - 1] || "").length);
      editor.scrollTop = ((line - 6) * editor.scrollHeight) / lines.length;
    }
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    const link = target.closest("a[href]");
    if (!link || !plain) return;
    const address = link.getAttribute("href");
    const within = document.getElementById("work") || (drawer && drawer.contains(link));
    if (within && address.startsWith("/review") && !link.closest("header, nav, .skips") && link.id !== "drawer-page") {
      event.preventDefault();
      show(function () {
        return window.fetch(address.split("#")[0], { headers: { Accept: "text/html" } });
      }, address);
      return;
    }
    if (!address.startsWith("#")) return;
    const place = document.getElementById(address.slice(1));
    if (!place) return;
    event.preventDefault();
    for (let d = place.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    if (place.matches("details")) place.open = true;
    const field = place.matches("fieldset") ? place.querySelector("input:checked, input:not([type=hidden]), select") : place;
    place.scrollIntoView({ block: place.matches("section, details") ? "start" : "center" });
    if (field) {
      if (field.matches("details")) field.querySelector("summary").focus({ preventScroll: true });
      else field.focus({ preventScroll: true });
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // Long lists: what does not have all the words is hidden.
  function filter() {
    const box = document.querySelector("[data-filter]");
    if (!box) return;
    box.hidden = false;
    const field = box.querySelector("input");
    const items = [...document.querySelectorAll("[data-item]")];
    field.addEventListener("input", function () {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      items.forEach(function (item) {
        const text = item.textContent.toLowerCase();
        item.hidden = !words.every(function (word) {
          return text.includes(word);
        });
        if (!item.hidden) shown += 1;
      });
      document.getElementById("filter-count").textContent = words.length ? shown + " of " + items.length : "";
    });
  }

  // Who signs is typed once a session.
  function remembered() {
    document.querySelectorAll("[data-remember]").forEach(function (field) {
      const key = "guidelog-" + field.name;
      try {
        if (!field.value) field.value = window.sessionStorage.getItem(key) || "";
        field.addEventListener("change", function () {
          window.sessionStorage.setItem(key, field.value);
        });
      } catch (error) {
        // a browser that keeps nothing: it is typed again
      }
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    restore(document);
    filter();
    remembered();
  });
})();
