// Draws the charts from the numbers in the page. Without it the page shows
// the same as tables.
(() => {
  "use strict";
  document.documentElement.classList.add("scripted");
  const data = JSON.parse(document.getElementById("charts").textContent);
  const colours = ["--one", "--two", "--three", "--four", "--five", "--six"];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = [];

  // As package quantity writes values, but for an axis of time, which stays in seconds.
  const round = (v) => Math.abs(v) < 999.5 ? Number(v.toPrecision(3)).toString() : v.toFixed(0).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const milliseconds = (v) => v == null ? "" : v === 0 || v >= 999.5 ? moment(v / 1000) : v < 0.9995 ? round(v * 1000) + " µs" : round(v) + " ms";
  const perSecond = (v) => v == null ? "" : round(v) + "/s";
  const seconds = (v) => v == null ? "" : round(v) + " s";
  const moment = (v) => v == null ? "" : v < 59.95 ? seconds(v) : Math.round(v) < 3600 ? parts(Math.round(v), "min", "s") : parts(Math.round(v / 60), "h", "min");
  const parts = (n, large, small) => [Math.floor(n / 60), n % 60].map((v, i) => v && round(v) + " " + [large, small][i]).filter(Boolean).join(" ");
  const plain = (v) => v == null ? "" : round(v);
  const percentile = (oneIn) => oneIn == null ? "" : "p" + Number((100 - 100 / oneIn).toFixed(3));

  const axis = (values, more) => ({
    stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 },
    font: "12px system-ui, sans-serif", values: (u, ticks) => ticks.map((v) => v == null ? "" : values(v)), ...more,
  });
  // Base is drawn in head's colour, dashed, or where only the two are shown in a
  // colour of its own.
  const dashed = { dash: [6, 4] };
  const base = 2;
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
  // Round numbers between the ends of a logarithmic axis: more of them where it
  // is short.
  const roundNumbers = (u, i, low, high) => {
    const of = (digits) => {
      const out = [];
      for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
        out.push(...digits.map((d) => Number((d * power).toPrecision(3))).filter((v) => v >= low && v <= high));
      }
      return out;
    };
    return [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9]].map(of).find((list) => list.length >= 4) ?? of([1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.2, 3.4, 3.6, 3.8, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5]);
  };
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

  const percent = (v) => v == null ? "" : round(v) + " %";
  const byStage = (stages, more) => ({
    scales: { x: { time: false, range: [-0.6, stages.length - 0.4] }, y: more.scale },
    axes: [
      axis((v) => stages[v] ?? "", { splits: () => stages.map((_, i) => i), grid: { show: false } }),
      axis(more.format, { size: 64, ...more.axis }),
    ],
    series: [{ label: "Stage", value: (u, v) => v == null ? "" : stages[Math.round(v)] ?? "" }, ...more.series],
  });

  // Throughput of each stage; base's bar stands left of head's.
  function bars(s) {
    const both = Boolean(s.Base);
    const bar = (label, n, align) => line(label, n, perSecond, {
      fill: colour(colours[n]), width: 0, paths: uPlot.paths.bars({ size: [both ? 0.35 : 0.7, 60], align }),
    });
    return {
      rows: [s.Stage.map((_, i) => i), ...(both ? [s.Base.Throughput] : []), s.Throughput],
      options: byStage(s.Stage, {
        format: perSecond, scale: { range: (u, low, high) => [0, high * 1.1 || 1] },
        series: both ? [bar("Base", base, -1), bar("Head", 1, 1)] : [bar("Throughput", 1, 0)],
      }),
    };
  }

  const charts = {
    latency: () => {
      const t = data.Time, b = t.Base;
      if (!t.At) return null;
      // p99 of a block of few requests is mostly its slowest one: of two sides it would hide the rest.
      const shown = b
        ? [["Base p50", b.P50, 0, dashed], ["Head p50", t.P50, 0], ["Base p95", b.P95, 1, dashed], ["Head p95", t.P95, 1]]
        : [["p50", t.P50, 0], ["p95", t.P95, 1], ["p99", t.P99, 2]];
      return {
        rows: gaps(t.At, t.Width, shown.map(([, values]) => positive(values))),
        options: {
          plugins: [bands], scales: { x: { time: false }, y: logarithmic },
          axes: [axis(seconds), axis(milliseconds, { size: 64, ...sparse })],
          series: [{ label: "At", value: (u, v) => moment(v) }, ...shown.map(([label, , n, more]) => line(label, n, milliseconds, more))],
        },
      };
    },
    rate: () => {
      const t = data.Time;
      if (!t.At) return null;
      const shown = t.Base ? [["Base", t.Base.Rate, base, dashed], ["Head", t.Rate, 1]] : [["Requests", t.Rate, 1]];
      return {
        rows: gaps(t.At, t.Width, shown.map(([, values]) => values)),
        options: {
          plugins: [bands], scales: { x: { time: false }, y: { range: (u, low, high) => [0, high * 1.15 || 1] } },
          axes: [axis(seconds), axis(perSecond, { size: 64 })],
          series: [{ label: "At", value: (u, v) => moment(v) }, ...shown.map(([label, , n, more]) => line(label, n, perSecond, more))],
        },
      };
    },
    cpu: () => {
      const t = data.Time;
      if (!t.CPU) return null;
      const shown = t.Base?.CPU ? [["Base", t.Base.CPU, base, dashed], ["Head", t.CPU, 1]] : [["Cores", t.CPU, 3]];
      return {
        rows: gaps(t.At, t.Width, shown.map(([, values]) => values)),
        options: {
          plugins: [bands], scales: { x: { time: false }, y: { range: (u, low, high) => [0, high * 1.15 || 1] } },
          axes: [axis(seconds), axis(plain, { size: 64 })],
          series: [{ label: "At", value: (u, v) => moment(v) }, ...shown.map(([label, , n, more]) => line(label, n, plain, more))],
        },
      };
    },
    throughput: () => data.Stages.Stage && bars(data.Stages),
    stages: () => data.Stages.Stage && dots(data.Stages),
    curve: () => data.Stages.Stage?.length > 1 && curve(data.Stages),
    histogram: (i) => data.Histograms?.[i] && histogram(data.Histograms[i]),
    percentiles: () => data.Percentiles.Lines && {
      rows: [data.Percentiles.OneIn, ...data.Percentiles.Lines.map((l) => positive(l.Values))],
      options: {
        scales: { x: { time: false, distr: 3, range: () => [1, Math.max(10, reach(data.Percentiles))] }, y: logarithmic },
        axes: [axis(percentile, powers), axis(milliseconds, { size: 64, ...sparse })],
        series: [{ label: "Percentile", value: (u, v) => percentile(v) }, ...data.Percentiles.Lines.map((l) =>
          line(l.Side ? `${l.Stage}, ${l.Side}` : l.Stage, stageNumber(l), milliseconds, l.Side === "base" ? dashed : {}))],
      },
    },
    metric: (i) => data.Metrics?.[i] && {
      rows: [data.Metrics[i].At, data.Metrics[i].Line],
      options: {
        plugins: [bands], scales: { x: { time: false }, y: { range: (u, low, high) => [Math.min(0, low * 1.15), Math.max(0, high * 1.15) || 1] } },
        axes: [axis(seconds), axis(plain, { size: 64 })],
        series: [{ label: "At", value: (u, v) => moment(v) }, line(data.Metrics[i].Name, 3, plain)],
      },
    },
    cluster: () => data.Cluster && {
      rows: [data.Cluster.At, data.Cluster.Ready, data.Cluster.Desired, data.Cluster.Wanted],
      options: {
        plugins: [bands], scales: { x: { time: false }, y: { range: (u, low, high) => [0, high * 1.2 || 1] } },
        axes: [axis(seconds), axis(plain, { size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] })],
        series: [{ label: "At", value: (u, v) => moment(v) },
          ...[["Ready", 0], ["Desired", 1, [8, 5]], ["Wanted", 2, [2, 4]]].map(([label, n, dash]) =>
            line(label, n, plain, { dash, paths: uPlot.paths.stepped({ align: 1 }) }))],
      },
    },
  };

  // The rarest percentile that a stage has a value for.
  function reach(p) {
    return Math.max(...p.OneIn.filter((_, i) => p.Lines.some((l) => l.Values[i] != null)));
  }

  // Lines of one stage have one colour.
  function stageNumber(l) {
    return [...new Set(data.Percentiles.Lines.map((other) => other.Stage))].indexOf(l.Stage);
  }

  // Percentiles of each stage as dots above each other; base's are hollow and
  // stand left of head's.
  function dots(s) {
    const aside = 0.12;
    const dot = (label, n, more) => line(label, n, milliseconds, {
      width: 1, spanGaps: true, points: { show: true, size: 9, fill: colour(colours[n]), stroke: colour(colours[n]) }, ...more,
    });
    const of = (side) => [side.P50, side.P95, side.P99].map(positive);
    if (!s.Base) {
      return {
        rows: [s.Stage.map((_, i) => i), ...of(s)],
        options: byStage(s.Stage, { format: milliseconds, scale: logarithmic, axis: sparse, series: ["p50", "p95", "p99"].map((label, n) => dot(label, n)) }),
      };
    }
    const x = s.Stage.flatMap((_, i) => [i - aside, i + aside]);
    const left = (values) => values.flatMap((v) => [v, null]);
    const right = (values) => values.flatMap((v) => [null, v]);
    const hollow = (n) => ({ ...dashed, points: { show: true, size: 9, width: 2, fill: colour("--card"), stroke: colour(colours[n]) } });
    return {
      rows: [x, ...of(s.Base).map(left), ...of(s).map(right)],
      options: byStage(s.Stage, {
        format: milliseconds, scale: logarithmic, axis: sparse,
        series: [...["p50", "p95", "p99"].map((label, n) => dot("Base " + label, n, hollow(n))), ...["p50", "p95", "p99"].map((label, n) => dot("Head " + label, n))],
      }),
    };
  }

  // How many requests took how long: head as an area, base as a line over it.
  function histogram(h) {
    const step = { paths: uPlot.paths.stepped({ align: 1 }) };
    const last = (values) => [...values, 0]; // the last bin ends there
    const head = line(h.Base ? "Head" : "Requests", 1, percent, { ...step, fill: colour("--fill") });
    return {
      rows: [h.From, last(h.Head), ...(h.Base ? [last(h.Base)] : [])],
      options: {
        scales: { x: { time: false, distr: 3, range: (u, low, high) => [low, high > low ? high : low * 1.1] }, y: { range: (u, low, high) => [0, high * 1.1 || 1] } },
        axes: [axis(milliseconds, { splits: roundNumbers, filter: (u, ticks) => ticks }), axis(percent, { size: 64 })],
        series: [{ label: "From", value: (u, v) => milliseconds(v) }, head, ...(h.Base ? [line("Base", base, percent, { ...step, ...dashed })] : [])],
      },
    };
  }

  // What a stage's throughput cost: where the line goes up and no longer to the
  // right, more load only waits.
  function curve(s) {
    const points = [["", s], ...(s.Base ? [["base", s.Base]] : [])].flatMap(([side, values]) => s.Stage.map((stage, i) => ({
      side, stage, x: values.Throughput[i], p50: values.P50[i], p95: values.P95[i],
    }))).filter((p) => p.x != null).sort((a, b) => a.x - b.x);
    const of = (side, what) => points.map((p) => p.side === side && p[what] > 0 ? p[what] : null);
    const named = points.filter((p) => p.side === "" && p.p95 > 0);
    // Stages of one and the same throughput would stand on top of each other.
    if (points.length === 0 || points[0].x > 0.9 * points.at(-1).x) return null;
    const names = {
      hooks: {
        draw: (u) => {
          u.ctx.save();
          u.ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
          u.ctx.fillStyle = colour("--soft");
          u.ctx.textBaseline = "bottom";
          named.forEach((p, n) => {
            u.ctx.textAlign = n === 0 ? "left" : n === named.length - 1 ? "right" : "center";
            u.ctx.fillText(p.stage, u.valToPos(p.x, "x", true), u.valToPos(p.p95, "y", true) - 8 * devicePixelRatio);
          });
          u.ctx.restore();
        },
      },
    };
    const dot = (label, n, hollow) => line(label, n, milliseconds, {
      spanGaps: true, ...(hollow ? dashed : {}),
      points: { show: true, size: 8, width: 2, fill: hollow ? colour("--card") : colour(colours[n]), stroke: colour(colours[n]) },
    });
    const shown = s.Base
      ? [["Base p50", "base", "p50", 0], ["Base p95", "base", "p95", 1], ["Head p50", "", "p50", 0], ["Head p95", "", "p95", 1]]
      : [["p50", "", "p50", 0], ["p95", "", "p95", 1]];
    return {
      rows: [points.map((p) => p.x), ...shown.map(([, side, what]) => of(side, what))],
      options: {
        plugins: [names], scales: { x: { time: false, range: (u, low, high) => [0, high * 1.05 || 1] }, y: logarithmic },
        axes: [axis(perSecond), axis(milliseconds, { size: 64, ...sparse })],
        series: [{ label: "Throughput", value: (u, v) => perSecond(v) }, ...shown.map(([label, side, , n]) => dot(label, n, side === "base"))],
      },
    };
  }

  // The numbers are in the table beside it: to a screen reader the chart is
  // one picture with a name.
  function draw(at) {
    const made = charts[at.dataset.chart](Number(at.dataset.at));
    if (!made) {
      at.hidden = true;
      return;
    }
    const box = at.querySelector(".chart");
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", at.querySelector("figcaption").textContent + "; the table has the same numbers");
    const chart = new uPlot({ width: box.clientWidth, height: heightOf(box), cursor: { drag: { x: true, y: false } }, legend: { live: true, markers: { dash: (u, i) => u.series[i].dash ? "dashed" : "solid" } }, ...made.options }, made.rows, box);
    drawn.push({ chart, box });
  }

  // The least height of the box, less a line for the legend.
  function heightOf(box) {
    return parseFloat(getComputedStyle(box).minHeight) - 32;
  }

  function drawAll() {
    for (const { chart } of drawn.splice(0)) chart.destroy();
    document.querySelectorAll("figure[data-chart]").forEach(draw);
  }

  const resized = () => drawn.forEach(({ chart, box }) => chart.setSize({ width: box.clientWidth, height: heightOf(box) }));
  drawAll();
  addEventListener("resize", resized);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", drawAll);
})();
