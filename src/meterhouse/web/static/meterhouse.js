// Draws the charts that the page describes as data. No text of a page is ever run or taken for markup.
"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colours = {
    light: ["#1f77b4", "#d1610a", "#2b7a3f", "#b3261e", "#7a52a8", "#7a5348", "#b8408f", "#6b7380"],
    dark: ["#6db3ea", "#f2a154", "#6fc384", "#f08078", "#b89ae0", "#c9a294", "#ea8cc8", "#aab3bf"],
  };
  const config = () => {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const line = style.getPropertyValue("--line").trim();
    const range = dark.matches ? colours.dark : colours.light;
    return {
      background: null,
      font: "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif",
      axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line,
              labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 },
      legend: { labelColor: ink, titleColor: ink, labelFontSize: 12 },
      view: { stroke: null },
      bar: { color: range[0] }, line: { color: range[0] }, area: { color: range[0] }, point: { color: range[0] },
      range: { category: range, heatmap: dark.matches ? ["#1d2d3d", "#84c1f2"] : ["#e4edf6", "#14568a"] },
    };
  };
  const draw = (place) => {
    const spec = JSON.parse(place.dataset.chart);
    const narrow = place.clientWidth < 500;
    for (const part of [spec, ...(spec.layer ?? [])]) {
      const encoding = part.encoding ?? {};
      const legend = encoding.color && encoding.color.legend;
      if (legend && legend.columns) {  // as many names side by side as there is room for
        const longest = Math.max(4, ...(encoding.color.scale?.domain ?? []).map((name) => String(name).length));
        legend.columns = narrow ? 1 : Math.max(1, Math.min(4, Math.floor((place.clientWidth - 60) / (longest * 7 + 30))));
        legend.labelLimit = place.clientWidth - (narrow ? 110 : 140);  // it begins where the axis stands
      }
      // Long names leave room for what they name.
      if (narrow && encoding.y && encoding.y.axis) encoding.y.axis.labelLimit = place.clientWidth * 0.44;
    }
    vegaEmbed(place, spec, {
      mode: "vega-lite", actions: false, renderer: "svg", defaultStyle: false, config: config(),
      ast: true, expr: vega.expressionInterpreter, tooltip: { disableDefaultStyle: true },
    }).catch((error) => { place.textContent = "The chart can't be drawn; the table has its figures."; console.error(error); });
  };
  const drawAll = (within) => within.querySelectorAll("[data-chart]").forEach(draw);
  drawAll(document);
  document.addEventListener("htmx:afterSettle", () => drawAll(document));
  dark.addEventListener("change", () => drawAll(document));
  // A button that copies a text of the page.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = document.getElementById(button.dataset.copy).textContent;
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {  // not allowed here: it is selected, so that a key copies it
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      button.textContent = "Selected: copy it with the keyboard";
    }
    setTimeout(() => { button.textContent = before; }, 3000);
  });
})();
