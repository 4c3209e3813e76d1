"use strict";
// Sorting and filtering of the tables; without it every row stands in the page as it is.
(() => {
  const STEP = 100; // rows at a time: what a browser lays out without a pause
  const MOST_PRINTED = 1000;
  const FEW = 20; // shorter tables need no filter

  const make = (tag, attributes = {}, text = "") => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  };
  const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const numberOf = (text) => {
    const found = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?/i.exec(text);
    return found ? Number(found[0]) : null;
  };

  // Each word must begin a word of the row; in one column also ">= 0.5", "< 3", "= 2".
  const matcher = (query, column) => {
    const text = query.trim().toLowerCase();
    const relation = column >= 0 && /^(<=|>=|<|>|=)\s*([-+]?[\d.]+(?:e[-+]?\d+)?)$/.exec(text);
    if (relation) {
      const limit = Number(relation[2]);
      const holds = { "<": (a) => a < limit, "<=": (a) => a <= limit, ">": (a) => a > limit,
        ">=": (a) => a >= limit, "=": (a) => a === limit }[relation[1]];
      return (cells) => { const a = numberOf(cells[column]); return a !== null && holds(a); };
    }
    const words = text.split(/\s+/).filter(Boolean)
      .map((word) => new RegExp("(^|[^\\p{L}\\p{N}])" + escape(word), "u"));
    return (cells) => {
      const where = (column >= 0 ? cells[column] : cells.join(" ")).toLowerCase();
      return words.every((word) => word.test(where));
    };
  };

  // Numbers by value, then texts in their order; what is missing stays last either way.
  const comparer = (column, sign) => (a, b) => {
    const [s, t] = [a.cells[column], b.cells[column]];
    const missing = (text) => text === "" || text === "-";
    if (missing(s) || missing(t)) return missing(s) - missing(t);
    const [x, y] = [numberOf(s), numberOf(t)];
    if (x !== null && y !== null && x !== y) return sign * (x - y);
    if ((x === null) !== (y === null)) return sign * (x === null ? 1 : -1);
    return sign * s.localeCompare(t, "en", { numeric: true });
  };

  const sheets = [];

  const enliven = (sheet) => {
    const table = sheet.querySelector("table");
    const [body, ...rest] = table.tBodies;
    const rows = [...table.tBodies].flatMap((part) => [...part.rows]).map((row) => ({
      row, cells: [...row.cells].map((cell) => cell.textContent.trim()),
    }));
    for (const part of rest) part.remove();
    const heads = [...table.tHead.rows[0].cells];
    const name = table.caption.textContent;
    const count = sheet.querySelector(".count");
    count.setAttribute("role", "status");
    const more = make("button", { type: "button", class: "more" });
    sheet.querySelector(".after").before(more);
    let shown = rows;
    let limit = STEP;
    let matches = null;

    const show = () => {
      body.replaceChildren(...shown.slice(0, limit).map((entry) => entry.row));
      const left = shown.length - Math.min(limit, shown.length);
      const of = shown.length < rows.length ? `${shown.length} of ${rows.length} rows` :
        `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
      count.textContent = left ? `first ${limit} of ${of}` : of;
      more.hidden = !left;
      more.textContent = `Show ${Math.min(left, STEP * 5)} more rows of ${name}`;
    };
    const choose = () => {
      const order = heads.findIndex((head) => head.hasAttribute("aria-sort"));
      shown = matches ? rows.filter((entry) => matches(entry.cells)) : rows.slice();
      if (order >= 0) {
        const down = heads[order].getAttribute("aria-sort") === "descending";
        shown.sort(comparer(order, down ? -1 : 1));
      }
      limit = STEP;
      show();
    };

    for (const head of heads) {
      const button = make("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      // Up, down, and back to the order in which the table came.
      button.addEventListener("click", () => {
        const next = { null: "ascending", ascending: "descending" }[head.getAttribute("aria-sort")];
        for (const other of heads) other.removeAttribute("aria-sort");
        if (next) head.setAttribute("aria-sort", next);
        choose();
      });
    }
    more.addEventListener("click", () => { limit += STEP * 5; show(); });

    if (rows.length > FEW) {
      const id = `${sheet.id}-filter`;
      const input = make("input", { id, type: "search", autocomplete: "off", spellcheck: "false" });
      const columns = make("select", { "aria-label": `column to filter in ${name}` });
      columns.append(make("option", { value: "-1" }, "any column"));
      heads.forEach((head, k) => columns.append(make("option", { value: k }, head.textContent)));
      const label = make("label", { for: id }, "Filter rows");
      label.append(make("span", { class: "unseen" }, ` of ${name}`));
      input.title = "words; in one column also comparisons such as >= 0.5";
      const filter = () => {
        matches = input.value.trim() ? matcher(input.value, Number(columns.value)) : null;
        choose();
      };
      input.addEventListener("input", filter);
      columns.addEventListener("change", filter);
      const tools = make("div", { class: "tools" });
      tools.append(label, input, columns);
      sheet.prepend(tools);
    }
    show();
    sheets.push({
      print: () => { const kept = limit; limit = Math.max(limit, MOST_PRINTED); show(); limit = kept; },
      show,
    });
  };

  document.querySelectorAll(".sheet").forEach(enliven);

  // A page that is printed is whole; afterwards it is as it was.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
    for (const sheet of sheets) sheet.print();
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
    for (const sheet of sheets) sheet.show();
  });
  // A link to what is folded opens it.
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  window.addEventListener("hashchange", open);
  if (location.hash) open();
})();
