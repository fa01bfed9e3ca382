// What the pages do beyond plain forms and htmx: keep details open and focus in place when a part is replaced, say what
// failed, print. Without this file everything works as whole pages. Nothing is stored, and nothing is sent from here.
"use strict";
(function () {
  document.documentElement.classList.add("js");

  const open = new Set();
  let pressed = false;

  function remember() {
    document.querySelectorAll("details[id]").forEach(function (d) {
      if (d.open) open.add(d.id);
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

  function fail(text) {
    const place = document.getElementById("failure");
    place.textContent = text;
    place.hidden = !text;
  }

  document.addEventListener("htmx:beforeSwap", remember);

  document.addEventListener("htmx:beforeRequest", function (event) {
    pressed = event.target instanceof Element && event.target.id.indexOf("next-") === 0;
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    fail("");
    restore(document);
    // After a reply the next question is read out; the same button must not be pressed twice by accident.
    const lost = document.activeElement === document.body || document.activeElement === null;
    if (event.target.id === "work" && (pressed || lost)) {
      const heading = document.getElementById("next-title");
      if (heading) heading.focus({ preventScroll: window.matchMedia("(min-width: 64em)").matches });
    }
    if (event.target.id === "work") pressed = false;
  });

  document.addEventListener("htmx:responseError", function (event) {
    const status = event.detail.xhr.status;
    fail(
      status === 429
        ? "Too many requests at once: the answers are not up to date. Change something again in a moment."
        : status === 403
          ? "This page has expired: load it again. Nothing was answered."
          : "The answers could not be brought up to date (" + status + "). What is shown is older than the form."
    );
  });
  ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function () {
      fail("The server does not answer. What is shown is older than the form.");
    });
  });

  // While answers are on their way the old ones are marked as such.
  document.addEventListener("htmx:beforeSend", function () {
    const answers = document.getElementById("answers");
    if (answers) answers.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:afterRequest", function () {
    const answers = document.getElementById("answers");
    if (answers) answers.removeAttribute("aria-busy");
  });

  document.addEventListener("submit", function (event) {
    // Enter in a field: the answers are there already, so the page stays where it is.
    if (event.submitter && event.submitter.classList.contains("first") && window.htmx) {
      event.preventDefault();
      window.htmx.trigger(event.target, "input");
    }
  });

  document.addEventListener("click", function (event) {
    const target = event.target instanceof Element ? event.target : null;
    if (target && target.closest("[data-print]")) window.print();
    const jump = target && target.closest("[data-line]");
    const editor = document.getElementById("text");
    if (jump && editor) {
      const lines = editor.value.split("\n");
      const line = Number(jump.dataset.line);
      const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      editor.focus();
      editor.setSelectionRange(start, start + (lines[line - 1] || "").length);
      editor.scrollTop = ((line - 6) * editor.scrollHeight) / lines.length;
    }
    const link = target && target.closest('a[href^="#"]');
    const place = link && document.getElementById(link.getAttribute("href").slice(1));
    if (place) {
      const field = place.matches("fieldset") ? place.querySelector("input:checked, input:not([type=hidden]), select") : place;
      if (field) {
        event.preventDefault();
        place.scrollIntoView({ block: "center" });
        field.focus({ preventScroll: true });
      }
    }
  });

  document.addEventListener("DOMContentLoaded", function () {
    restore(document);
  });
})();
