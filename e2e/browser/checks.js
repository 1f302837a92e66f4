// What a reader needs of a page, as functions that return complaints.
"use strict";
const look = {
  visible(e) {
    for (let up = e; up; up = up.parentElement) if (getComputedStyle(up).clipPath === "inset(50%)") return false; // for screen readers only
    const box = e.getBoundingClientRect();
    const style = getComputedStyle(e);
    return box.width > 0 && box.height > 0 && style.visibility !== "hidden" && style.opacity !== "0";
  },

  // Nothing is wider than the screen but what scrolls in its own box.
  sideways() {
    const out = [];
    if (document.documentElement.scrollWidth > innerWidth) out.push(`the page is ${document.documentElement.scrollWidth} wide on a screen of ${innerWidth}`);
    return out;
  },

  // No word of a heading cell, and no name, is broken over two lines.
  brokenWords(selector) {
    const out = [];
    for (const cell of document.querySelectorAll(selector)) {
      if (!look.visible(cell)) continue;
      const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
      for (let node; (node = walk.nextNode());) {
        for (const word of node.data.matchAll(/[^\s\u200b-]+/g)) {
          const range = document.createRange();
          range.setStart(node, word.index);
          range.setEnd(node, word.index + word[0].length);
          const tops = new Set([...range.getClientRects()].map((r) => Math.round(r.top)));
          if (tops.size > 1) out.push(`"${word[0]}" in "${cell.textContent.trim()}"`);
        }
      }
    }
    return out;
  },

  parse(colour) {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  },
  over(top, below) {
    return [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  },
  luminance(c) {
    const [r, g, b] = c.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  },
  ratio(a, b) {
    const [low, high] = [look.luminance(a), look.luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  },
  background(e) {
    const layers = [];
    for (; e; e = e.parentElement) {
      const c = look.parse(getComputedStyle(e).backgroundColor);
      if (c[3] > 0) layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => look.over(top, below), [255, 255, 255, 1]);
  },

  // WCAG 2.2, 1.4.3: text has a contrast of 4.5, large text of 3.
  contrast() {
    const out = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode());) {
      const e = node.parentElement;
      if (!node.data.trim() || ["SCRIPT", "STYLE"].includes(e.tagName) || e.closest("svg") || !look.visible(e)) continue;
      const style = getComputedStyle(e);
      const back = look.background(e);
      const ratio = look.ratio(look.over(look.parse(style.color), back), back);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) out.add(`${ratio.toFixed(2)} for "${node.data.trim().slice(0, 40)}" (${e.tagName} ${e.className})`);
    }
    return [...out];
  },

  // Every chart that is shown has drawn something and has a name.
  canvases() {
    const out = [];
    for (const figure of document.querySelectorAll("figure[data-chart]:not([hidden])")) {
      const name = figure.dataset.chart;
      const canvas = figure.querySelector("canvas");
      if (!canvas) { out.push(`${name}: no canvas`); continue; }
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      const colours = new Set();
      for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 200) colours.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
      if (colours.size < 3) out.push(`${name}: ${colours.size} colours drawn`);
      if (!figure.querySelector("[role=img][aria-label]")) out.push(`${name}: no name for a screen reader`);
    }
    return out;
  },

  // What is scrolled or opened by mouse can be reached by keyboard, and shows it.
  keyboard() {
    const out = [];
    for (const e of document.querySelectorAll("*")) {
      const style = getComputedStyle(e);
      if (!look.visible(e) || !["auto", "scroll"].includes(style.overflowX) || e.scrollWidth <= e.clientWidth + 1) continue;
      if (e.tabIndex < 0) out.push(`${e.tagName} ${e.className} scrolls but takes no focus`);
      else if (!e.getAttribute("aria-label") && e.tagName !== "PRE") out.push(`${e.tagName} ${e.className} scrolls but has no name`);
    }
    return out;
  },

  // Tables have captions and headings that say for what.
  tables() {
    const out = [];
    for (const table of document.querySelectorAll("main table:not(.u-legend)")) {
      if (!table.caption) out.push(`no caption: ${table.textContent.trim().slice(0, 40)}`);
      for (const th of table.querySelectorAll("th")) if (!th.scope) out.push(`no scope: ${th.textContent}`);
    }
    return out;
  },
};
