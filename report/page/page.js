// Draws the charts from the numbers in the page. Without it the page shows
// the same as tables.
(() => {
  "use strict";
  document.documentElement.classList.add("scripted");
  const data = JSON.parse(document.getElementById("charts").textContent);
  const colours = ["--one", "--two", "--three", "--four", "--five", "--six"];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const figure = (name) => document.querySelector(`[data-chart="${name}"]`);
  const drawn = [];

  const round = (v) => Number(v.toPrecision(3)).toString();
  const milliseconds = (v) => v == null ? "" : v >= 1000 ? round(v / 1000) + " s" : v < 1 ? round(v * 1000) + " µs" : round(v) + " ms";
  const perSecond = (v) => v == null ? "" : round(v) + "/s";
  const seconds = (v) => v == null ? "" : round(v) + " s";
  const plain = (v) => v == null ? "" : round(v);
  const percentile = (oneIn) => oneIn == null ? "" : "p" + Number((100 - 100 / oneIn).toFixed(3));

  const axis = (values, more) => ({
    stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 },
    font: "12px system-ui, sans-serif", values: (u, ticks) => ticks.map((v) => v == null ? "" : values(v)), ...more,
  });
  const line = (label, n, format, more) => ({
    label, stroke: colour(colours[n % colours.length]), width: 2, spanGaps: false, points: { show: false },
    value: (u, v) => format(v), ...more,
  });

  // A logarithmic scale with a little air, and labels only where they have
  // room. It begins at a round number, because uPlot counts its lines from
  // there.
  const roundDown = (v) => {
    const power = 10 ** Math.floor(Math.log10(v));
    return Math.floor(v / power) * power;
  };
  const logarithmic = { distr: 3, range: (u, low, high) => low > 0 ? [roundDown(low * 0.8), high * 1.4] : [1, 1000] };
  const sparse = { filter: (u, ticks) => ticks.map((v) => [1, 2, 5].includes(Number(String(v).replace(/[^1-9]/g, "")[0])) ? v : null) };
  const powers = { filter: (u, ticks) => ticks.map((v) => Number.isInteger(Math.round(Math.log10(v) * 1e6) / 1e6) ? v : null) };
  const positive = (values) => values.map((v) => v > 0 ? v : null);

  // Bands with the stages' names behind a chart over time.
  const bands = {
    hooks: {
      drawClear: (u) => {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
        ctx.textAlign = "center";
        ctx.textBaseline = "top";
        for (const span of data.Time.Spans ?? []) {
          const from = Math.max(u.valToPos(span.From, "x", true), bbox.left);
          const to = Math.min(u.valToPos(span.To, "x", true), bbox.left + bbox.width);
          ctx.fillStyle = colour("--band");
          ctx.fillRect(from, bbox.top, to - from, bbox.height);
          if (ctx.measureText(span.Stage).width < to - from) {
            ctx.fillStyle = colour("--soft");
            ctx.fillText(span.Stage, (from + to) / 2, bbox.top + 4 * devicePixelRatio);
          }
        }
        ctx.restore();
      },
    },
  };

  // Between two stages nothing was sent: a gap, not a line.
  const gaps = (at, width, values) => {
    const out = [[], ...values.map(() => [])];
    at.forEach((x, i) => {
      if (i > 0 && x - at[i - 1] > 1.5 * Math.max(width[i], width[i - 1])) {
        out[0].push((x + at[i - 1]) / 2);
        values.forEach((_, n) => out[n + 1].push(null));
      }
      out[0].push(x);
      values.forEach((v, n) => out[n + 1].push(v[i]));
    });
    return out;
  };

  const bars = (stages, series, format) => ({
    rows: [stages.map((_, i) => i), ...series.map((s) => s.values)],
    options: {
      scales: { x: { time: false, range: [-0.6, stages.length - 0.4] }, y: series.length > 1 ? logarithmic : { range: (u, low, high) => [0, high * 1.1 || 1] } },
      axes: [
        axis((v) => stages[v] ?? "", { splits: () => stages.map((_, i) => i), grid: { show: false } }),
        axis(format, { size: 64, ...(series.length > 1 ? sparse : {}) }),
      ],
      series: [{ label: "Stage", value: (u, v) => stages[v] ?? "" }, ...series.map((s) => line(s.label, s.colour, format, {
        fill: colour(colours[s.colour]), width: 0, paths: uPlot.paths.bars({ size: [0.8 / series.length, 60], align: 0 }),
      }))],
    },
  });

  const charts = {
    latency: () => data.Time.At && {
      rows: gaps(data.Time.At, data.Time.Width, [data.Time.P50, data.Time.P95, data.Time.P99].map(positive)),
      options: {
        plugins: [bands], scales: { x: { time: false }, y: logarithmic },
        axes: [axis(seconds), axis(milliseconds, { size: 64, ...sparse })],
        series: [{ label: "At", value: (u, v) => seconds(v) }, line("p50", 0, milliseconds), line("p95", 1, milliseconds), line("p99", 2, milliseconds)],
      },
    },
    rate: () => data.Time.At && {
      rows: gaps(data.Time.At, data.Time.Width, [data.Time.Rate]),
      options: {
        plugins: [bands], scales: { x: { time: false }, y: { range: (u, low, high) => [0, high * 1.15 || 1] } },
        axes: [axis(seconds), axis(perSecond, { size: 64 })],
        series: [{ label: "At", value: (u, v) => seconds(v) }, line("Requests", 1, perSecond)],
      },
    },
    throughput: () => data.Stages.Stage && bars(data.Stages.Stage, [{ label: "Throughput", values: data.Stages.Throughput, colour: 1 }], perSecond),
    stages: () => data.Stages.Stage && dots(data.Stages),
    curve: () => data.Stages.Stage?.length > 1 && curve(data.Stages),
    percentiles: () => data.Percentiles.Lines && {
      rows: [data.Percentiles.OneIn, ...data.Percentiles.Lines.map((l) => positive(l.Values))],
      options: {
        scales: { x: { time: false, distr: 3, range: () => [1, Math.max(10, reach(data.Percentiles))] }, y: logarithmic },
        axes: [axis(percentile, powers), axis(milliseconds, { size: 64, ...sparse })],
        series: [{ label: "Percentile", value: (u, v) => percentile(v) }, ...data.Percentiles.Lines.map((l, i) => line(l.Stage, i, milliseconds))],
      },
    },
    cluster: () => data.Cluster && {
      rows: [data.Cluster.At, data.Cluster.Ready, data.Cluster.Desired, data.Cluster.Wanted],
      options: {
        plugins: [bands], scales: { x: { time: false }, y: { range: (u, low, high) => [0, high * 1.2 || 1] } },
        axes: [axis(seconds), axis(plain, { size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] })],
        series: [{ label: "At", value: (u, v) => seconds(v) },
          ...[["Ready", 0], ["Desired", 1, [8, 5]], ["Wanted", 2, [2, 4]]].map(([label, n, dash]) =>
            line(label, n, plain, { dash, paths: uPlot.paths.stepped({ align: 1 }) }))],
      },
    },
  };

  // The rarest percentile that a stage has a value for.
  function reach(p) {
    return Math.max(...p.OneIn.filter((_, i) => p.Lines.some((l) => l.Values[i] != null)));
  }

  // Percentiles of each stage as dots above each other.
  function dots(s) {
    const chart = bars(s.Stage, [
      { label: "p50", values: positive(s.P50), colour: 0 }, { label: "p95", values: positive(s.P95), colour: 1 }, { label: "p99", values: positive(s.P99), colour: 2 },
    ], milliseconds);
    for (const series of chart.options.series.slice(1)) {
      Object.assign(series, { width: 1, fill: undefined, paths: uPlot.paths.linear(), points: { show: true, size: 9, fill: series.stroke, stroke: series.stroke } });
    }
    return chart;
  }

  // What a stage's throughput cost: where the line goes up and no longer to the
  // right, more load only waits.
  function curve(s) {
    const order = s.Stage.map((_, i) => i).filter((i) => s.Throughput[i] != null).sort((a, b) => s.Throughput[a] - s.Throughput[b]);
    const pick = (values) => order.map((i) => values[i]);
    const names = {
      hooks: {
        draw: (u) => {
          u.ctx.save();
          u.ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
          u.ctx.fillStyle = colour("--soft");
          u.ctx.textBaseline = "bottom";
          order.forEach((i, n) => {
            if (!(s.P95[i] > 0)) return;
            u.ctx.textAlign = n === 0 ? "left" : n === order.length - 1 ? "right" : "center";
            u.ctx.fillText(s.Stage[i], u.valToPos(s.Throughput[i], "x", true), u.valToPos(s.P95[i], "y", true) - 8 * devicePixelRatio);
          });
          u.ctx.restore();
        },
      },
    };
    const dot = (label, n) => line(label, n, milliseconds, { points: { show: true, size: 8, fill: colour(colours[n]) } });
    return {
      rows: [pick(s.Throughput), positive(pick(s.P50)), positive(pick(s.P95))],
      options: {
        plugins: [names], scales: { x: { time: false, range: (u, low, high) => [0, high * 1.05 || 1] }, y: logarithmic },
        axes: [axis(perSecond), axis(milliseconds, { size: 64, ...sparse })],
        series: [{ label: "Throughput", value: (u, v) => perSecond(v) }, dot("p50", 0), dot("p95", 1)],
      },
    };
  }

  // The numbers are in the table beside it: to a screen reader the chart is
  // one picture with a name.
  function draw(name) {
    const at = figure(name);
    const made = at && charts[name]();
    if (!made) {
      if (at) at.hidden = true;
      return;
    }
    const box = at.querySelector(".chart");
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", at.querySelector("figcaption").textContent + "; the table has the same numbers");
    const chart = new uPlot({ width: box.clientWidth, height: heightOf(box), cursor: { drag: { x: true, y: false } }, legend: { live: true }, ...made.options }, made.rows, box);
    drawn.push({ chart, box });
  }

  // The least height of the box, less a line for the legend.
  function heightOf(box) {
    return parseFloat(getComputedStyle(box).minHeight) - 32;
  }

  function drawAll() {
    for (const { chart } of drawn.splice(0)) chart.destroy();
    Object.keys(charts).forEach(draw);
  }

  const resized = () => drawn.forEach(({ chart, box }) => chart.setSize({ width: box.clientWidth, height: heightOf(box) }));
  drawAll();
  addEventListener("resize", resized);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", drawAll);
})();
