// The record that stands in the form is kept in this tab (sessionStorage), so that a reload, Back, or a server that was
// away loses nothing; answers that are older than the form look it. Nothing is sent anywhere but to the service itself.
"use strict";
(function () {
  const KEY = "guidelog-record";
  const MOST_UNDO = 50;
  const FIRST_RETRY = 1000;
  const LONGEST_RETRY = 15000;
  const undo = [];
  let last = "";
  let asked = "";
  let wait = FIRST_RETRY;
  let timer = 0;

  function work() {
    return document.getElementById("work");
  }

  function form() {
    return document.getElementById("record");
  }

  // What is about the patient: not the token, not what was on the page before.
  function record() {
    const own = form();
    if (!own) return "";
    const sent = new URLSearchParams();
    for (const [name, value] of new FormData(own)) {
      if (/^(patient|as_of|pathway|[fsm]:.*|source:.*)$/.test(name) && (value !== "" || name === "patient")) sent.append(name, value);
    }
    return sent.toString();
  }

  function said(text) {
    return [...new URLSearchParams(text)].filter(function (pair) {
      return /^(f:|m:.*:(low|high|first|last)|s:|source:)/.test(pair[0]) || (pair[0].endsWith(":mode") && pair[1] === "unknown");
    }).length;
  }

  function keep() {
    const now = record();
    if (now === last) return;
    if (last) undo.push(last);
    if (undo.length > MOST_UNDO) undo.shift();
    last = now;
    try {
      if (said(now)) window.sessionStorage.setItem(KEY, now);
      else window.sessionStorage.removeItem(KEY);
    } catch (error) {
      return; // a browser that keeps nothing still answers
    }
  }

  function kept() {
    try {
      return window.sessionStorage.getItem(KEY) || "";
    } catch (error) {
      return "";
    }
  }

  function tools() {
    document.querySelectorAll("[data-undo]").forEach(function (b) {
      b.hidden = false;
      b.disabled = undo.length === 0;
    });
    document.querySelectorAll("[data-forget]").forEach(function (b) {
      b.hidden = false;
    });
    document.querySelectorAll("[data-kept]").forEach(function (p) {
      p.hidden = said(last) === 0;
    });
  }

  // Put a record into the form and ask about it, as a whole page would.
  function put(text) {
    const values = { token: form().elements.token.value, before: beforeOf() };
    for (const [name, value] of new URLSearchParams(text)) values[name] = value;
    window.htmx.ajax("POST", "/", { target: "#work", swap: "outerHTML", values: values, source: document.body });
  }

  function beforeOf() {
    const found = document.querySelector("input[name=before]");
    return found ? found.value : "";
  }

  function stale(text) {
    if (work()) work().classList.add("stale");
    const place = document.getElementById("failure");
    place.replaceChildren(text);
    if (text) {
      const now = document.createElement("button");
      now.type = "button";
      now.textContent = "Try now";
      now.addEventListener("click", again);
      place.append(now);
    }
    place.hidden = !text;
  }

  function fresh() {
    window.clearTimeout(timer);
    wait = FIRST_RETRY;
    const place = document.getElementById("failure");
    place.hidden = true;
    place.replaceChildren();
    if (record() === asked && work()) work().classList.remove("stale");
  }

  async function again() {
    window.clearTimeout(timer);
    try {
      // A server that was started again knows neither this page's token nor, perhaps, these rules.
      const answer = await window.fetch("/", { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const token = page.querySelector("#record input[name=token]").value;
      const rules = page.getElementById("work").dataset.rules;
      document.querySelectorAll("input[name=token]").forEach(function (field) {
        field.value = token;
      });
      if (rules !== work().dataset.rules) {
        window.location.reload();
        return;
      }
    } catch (error) {
      later();
      return;
    }
    window.htmx.trigger(form(), "input");
  }

  function later() {
    window.clearTimeout(timer);
    timer = window.setTimeout(again, wait);
    wait = Math.min(2 * wait, LONGEST_RETRY);
  }

  document.addEventListener("input", function (event) {
    if (!form() || !(event.target instanceof Element) || !event.target.closest("#work") || event.target === form()) return;
    keep();
    tools();
  });

  document.addEventListener("htmx:configRequest", function () {
    asked = record();
  });
  document.addEventListener("htmx:beforeSend", function () {
    if (!work()) return;
    // Quick answers do not flicker; slow ones are marked while they are on their way.
    window.clearTimeout(work().pending);
    const mine = work();
    mine.pending = window.setTimeout(function () {
      mine.classList.add("stale");
    }, 900);
  });
  document.addEventListener("htmx:afterRequest", function () {
    if (work()) window.clearTimeout(work().pending);
  });
  document.addEventListener("htmx:afterSettle", function () {
    if (!form()) return;
    const whole = record() !== last;
    keep();
    if (whole) asked = record();
    fresh();
    tools();
  });
  document.addEventListener("htmx:responseError", function (event) {
    const status = event.detail.xhr.status;
    if (status === 403) {
      stale("The server was started again; the answers are being brought up to date.");
      again();
    } else if (status === 429 || status >= 500) {
      stale("The server is busy. These answers are out of date; it will be tried again.");
      later();
    } else {
      stale("The answers could not be brought up to date (" + status + "). What you entered is kept.");
    }
  });
  ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function () {
      stale("The server does not answer. These answers are out of date; what you entered is kept, and it will be tried again.");
      later();
    });
  });
  window.addEventListener("online", function () {
    if (work() && work().classList.contains("stale")) again();
  });

  document.addEventListener("click", function (event) {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    if (target.closest("[data-undo]") && undo.length) {
      const before = undo.pop();
      last = "";
      put(before);
    }
    if (target.closest("[data-forget]")) {
      try {
        window.sessionStorage.removeItem(KEY);
      } catch (error) {
        // nothing was kept
      }
      last = "";
      window.location.assign("/");
    }
  });

  // A second tab: the first one has the record and gives it when it is asked, and only to this browser's own tabs.
  const channel = window.BroadcastChannel ? new window.BroadcastChannel("guidelog") : null;
  function offer(text) {
    const place = document.getElementById("elsewhere");
    if (!place || !place.hidden || said(last)) return;
    const patient = new URLSearchParams(text).get("patient") || "a patient";
    place.replaceChildren("Another tab of this browser has a record: " + patient + ", " + said(text) + " entries.");
    [["Go on with it here", function () { put(text); }], ["Leave it there", function () { place.hidden = true; }]].forEach(function (pair) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet small";
      button.textContent = pair[0];
      button.addEventListener("click", pair[1]);
      place.append(button);
    });
    place.hidden = false;
  }
  if (channel) {
    channel.addEventListener("message", function (event) {
      if (event.data === "who has a record?" && said(last)) channel.postMessage({ record: last });
      else if (event.data && typeof event.data.record === "string") offer(event.data.record);
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    if (!form()) return;
    const before = kept();
    last = record();
    if (work().hasAttribute("data-fresh") && before && before !== last) {
      last = before;
      put(before);
    } else {
      keep();
      if (channel && !said(last)) channel.postMessage("who has a record?");
    }
    tools();
  });
})();
