// The interactive flow of a report. `flow-data` holds, at each of the stored times, the particles and, of a model with
// one or two columns, the log-density on a grid; of two columns also the velocity field.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("flow-data").textContent);
  if (!data) return;
  const $ = (id) => document.getElementById(id);
  const decode = (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new Uint16Array(bytes.buffer);
  };
  const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
  const mix = (a, b, part) => a + (b - a) * part;

  // Stored as 16 bits between the ends of a range.
  const particles = decode(data.particles);          // time x particle x column
  const density = data.density ? decode(data.density.values) : null;  // time x row x column
  const velocity = data.velocity ? decode(data.velocity.values) : null;  // time x row x column x 2
  const frames = data.times.length, end = data.times[frames - 1];
  const columns = data.columns.length, count = data.particleCount;
  const flat = columns === 1;  // one column: the picture has the column across and the time upward
  const stops = ["440154", "482475", "414487", "355f8d", "2a788e", "21918c", "22a884", "44bf70", "7ad151", "bddf26",
    "fde725"].map((h) => [0, 2, 4].map((at) => parseInt(h.substr(at, 2), 16)));
  const viridis = Array.from({length: 256}, (_, i) => {
    const place = i / 255 * 10, k = Math.min(Math.floor(place), 9);
    return stops[k].map((v, c) => Math.round(mix(v, stops[k + 1][c], place - k)));
  });

  const state = {time: end, playing: false, direction: 1, across: 0, up: flat ? 0 : 1, probe: null, path: null,
    hold: 0, dragging: false};

  const at = (frame, particle, column) => {
    const range = data.ranges[column];
    return mix(range[0], range[1], particles[(frame * count + particle) * columns + column] / 65535);
  };
  const frameOf = (time) => {
    const place = clamp(time / end, 0, 1) * (frames - 1), k = Math.min(Math.floor(place), frames - 2);
    return [k, place - k];
  };
  const position = (time, particle, column) => {
    const [k, part] = frameOf(time);
    return mix(at(k, particle, column), at(k + 1, particle, column), part);
  };

  // log p at a place of the grid, in nats; bilinear in space and linear in time. NaN outside of the grid.
  const logDensity = (time, x, y) => {
    const d = data.density, n = d.cells, [k, part] = frameOf(time);
    const u = (x - d.x[0]) / (d.x[1] - d.x[0]) * n - 0.5;
    if (!(u >= -0.5 && u <= n - 0.5)) return NaN;
    const i = clamp(Math.floor(u), 0, n - 2), rows = flat ? 1 : n;
    const v = flat ? 0 : (y - d.y[0]) / (d.y[1] - d.y[0]) * n - 0.5;
    if (!flat && !(v >= -0.5 && v <= n - 0.5)) return NaN;
    const j = flat ? 0 : clamp(Math.floor(v), 0, n - 2);
    const value = (f) => {
      const row = (jj) => {
        const base = (f * rows + jj) * n + i;
        return mix(density[base], density[base + 1], clamp(u - i, 0, 1));
      };
      return mix(d.low, d.high, (flat ? row(0) : mix(row(j), row(j + 1), clamp(v - j, 0, 1))) / 65535);
    };
    return mix(value(k), value(k + 1), part);
  };

  // The velocity of the flow, in the units of the data.
  const field = (time, x, y) => {
    const d = data.velocity, n = d.cells, [k, part] = frameOf(time);
    const u = clamp((x - d.x[0]) / (d.x[1] - d.x[0]) * n - 0.5, 0, n - 1);
    const v = clamp((y - d.y[0]) / (d.y[1] - d.y[0]) * n - 0.5, 0, n - 1);
    const i = Math.min(Math.floor(u), n - 2), j = Math.min(Math.floor(v), n - 2);
    const one = (f, c) => {
      const value = (ii, jj) => velocity[((f * n + jj) * n + ii) * 2 + c];
      return mix(mix(value(i, j), value(i + 1, j), u - i), mix(value(i, j + 1), value(i + 1, j + 1), u - i), v - j);
    };
    return [0, 1].map((c) => mix(-d.limit[c], d.limit[c], mix(one(k, c), one(k + 1, c), part) / 65535));
  };

  // One step of the classical Runge-Kutta method.
  const step = (f, t, z, h) => {
    const add = (a, b, s) => a.map((v, i) => v + s * b[i]);
    const k1 = f(t, z), k2 = f(t + h / 2, add(z, k1, h / 2)), k3 = f(t + h / 2, add(z, k2, h / 2)),
      k4 = f(t + h, add(z, k3, h));
    return z.map((v, i) => v + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]));
  };

  // The pathline through (x, y) at a time: positions at evenly spaced times from 0 to the end.
  const kSteps = 160;
  const pathline = (time, x, y) => {
    const path = new Array(kSteps + 1), h = end / kSteps, f = (t, z) => field(t, z[0], z[1]);
    const middle = clamp(Math.round(time / h), 0, kSteps);
    path[middle] = step(f, time, [x, y], middle * h - time);
    for (let k = middle; k < kSteps; ++k) path[k + 1] = step(f, k * h, path[k], h);
    for (let k = middle; k > 0; --k) path[k - 1] = step(f, k * h, path[k], -h);
    return path;
  };

  // The adjoint a(t) = dL/dz(t) of L = log p at the end: da/dt = -(dv/dz)^T a, from the gradient of log p backward
  // (Chen et al. 2018).
  const adjoint = (path) => {
    const d = data.density, h = end / kSteps, out = new Array(kSteps + 1);
    const gap = [0, 1].map((c) => ([d.x, d.y][c][1] - [d.x, d.y][c][0]) / d.cells);
    const last = path[kSteps];
    const slope = (c) => {
      const up = last.slice(), down = last.slice();
      up[c] += gap[c], down[c] -= gap[c];
      return (logDensity(end, up[0], up[1]) - logDensity(end, down[0], down[1])) / (2 * gap[c]);
    };
    out[kSteps] = [slope(0), slope(1)];
    for (let k = kSteps; k > 0; --k) {
      const z = (t) => path[clamp(Math.round(t / h), 0, kSteps)];
      const rate = (t, a) => [0, 1].map((c) => {
        const up = z(t).slice(), down = z(t).slice();
        up[c] += gap[c], down[c] -= gap[c];
        const vu = field(t, up[0], up[1]), vd = field(t, down[0], down[1]);
        return -((vu[0] - vd[0]) * a[0] + (vu[1] - vd[1]) * a[1]) / (2 * gap[c]);
      });
      out[k - 1] = step(rate, k * h, out[k], -h);
    }
    return out;
  };

  // --- the picture ---
  const canvas = $("flow"), context = canvas.getContext("2d");
  const kLeft = 46, kBottom = 40, kTop = 8, kRight = 10;  // px
  const view = () => {
    const rx = data.ranges[state.across], ry = flat ? [0, end] : data.ranges[state.up];
    const width = canvas.clientWidth - kLeft - kRight, height = canvas.clientHeight - kTop - kBottom;
    return {rx, ry, width, height,
      x: (v) => kLeft + width * (v - rx[0]) / (rx[1] - rx[0]),
      y: (v) => kTop + height * (1 - (v - ry[0]) / (ry[1] - ry[0])),
      left: (px) => mix(rx[0], rx[1], (px - kLeft) / width),
      up: (py) => mix(ry[0], ry[1], 1 - (py - kTop) / height)};
  };

  const image = document.createElement("canvas");
  const paint = (values, nx, ny, highest) => {
    image.width = nx, image.height = ny;
    const pixels = new ImageData(nx, ny);
    for (let j = 0; j < ny; ++j)
      for (let i = 0; i < nx; ++i) {
        const colour = viridis[clamp(Math.round(255 * values[j * nx + i] / highest), 0, 255)];
        pixels.data.set([colour[0], colour[1], colour[2], 255], 4 * ((ny - 1 - j) * nx + i));
      }
    image.getContext("2d").putImageData(pixels, 0, 0);
  };

  // The stored density, at the time between two frames.
  const storedDensity = () => {
    const d = data.density, n = d.cells, [k, part] = frameOf(state.time);
    const scale = (d.high - d.low) / 65535, size = flat ? n * frames : n * n, out = new Float32Array(size);
    let highest = 0;
    for (let i = 0; i < size; ++i) {
      const first = density[flat ? i : k * size + i], second = density[flat ? i : (k + 1) * size + i];
      out[i] = Math.exp(mix(first, second, part) * scale + d.low);
      if (out[i] > highest) highest = out[i];
    }
    paint(out, n, flat ? frames : n, highest);
  };

  // Of more columns: that of the particles, as counts smoothed by a Gaussian.
  const particleDensity = (v) => {
    const n = 56, bins = new Float32Array(n * n), kernel = [-4, -3, -2, -1, 0, 1, 2, 3, 4].map((i) => Math.exp(-i * i / 5));
    for (let p = 0; p < count; ++p) {
      const i = Math.floor((position(state.time, p, state.across) - v.rx[0]) / (v.rx[1] - v.rx[0]) * n);
      const j = Math.floor((position(state.time, p, state.up) - v.ry[0]) / (v.ry[1] - v.ry[0]) * n);
      if (i >= 0 && i < n && j >= 0 && j < n) bins[j * n + i] += 1;
    }
    const blur = (from, stride, other) => {
      const out = new Float32Array(n * n);
      for (let a = 0; a < n; ++a)
        for (let b = 0; b < n; ++b)
          kernel.forEach((w, q) => {
            const c = b + q - 4;
            if (c >= 0 && c < n) out[a * other + b * stride] += w * from[a * other + c * stride];
          });
      return out;
    };
    const out = blur(blur(bins, 1, n), n, 1);
    paint(out, n, n, out.reduce((a, b) => Math.max(a, b), 1e-9));
  };

  const ticks = (range) => {
    const raw = (range[1] - range[0]) / 5, unit = 10 ** Math.floor(Math.log10(raw));
    const gap = [1, 2, 5, 10].map((m) => m * unit).find((g) => g >= raw), out = [];
    for (let v = Math.ceil(range[0] / gap) * gap; v <= range[1] + 1e-9 * gap; v += gap) out.push(Math.abs(v) < 1e-9 * gap ? 0 : v);
    return out;
  };
  const short = (v) => {
    const text = Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential(1) : String(Number(v.toPrecision(4)));
    return text.replace("-", "\u2212");
  };

  const axes = (v, ink) => {
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = 1;
    context.strokeRect(kLeft, kTop, v.width, v.height);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center", context.textBaseline = "top";
    for (const t of ticks(v.rx)) context.fillText(short(t), v.x(t), kTop + v.height + 5);
    context.fillText(cut(data.columns[state.across], v.width), kLeft + v.width / 2, kTop + v.height + 22);
    context.textAlign = "right", context.textBaseline = "middle";
    for (const t of ticks(v.ry)) context.fillText(short(t), kLeft - 5, v.y(t));
    context.save();
    context.translate(9, kTop + v.height / 2), context.rotate(-Math.PI / 2), context.textAlign = "center";
    context.fillText(flat ? "time" : cut(data.columns[state.up], v.height), 0, 0);
    context.restore();
  };
  const cut = (name, width) => {
    if (context.measureText(name).width <= width) return name;
    const most = Math.max(3, Math.floor(width / 7));
    return name.slice(0, most - 1) + "\u2026";
  };

  const drawParticles = (v) => {
    const most = flat ? Math.min(count, 200) : count;
    context.fillStyle = "#ff9a3c", context.strokeStyle = "rgba(0,0,0,.45)", context.lineWidth = 0.6;
    for (let p = 0; p < most; ++p) {
      const x = v.x(position(state.time, p, state.across));
      const y = flat ? v.y(state.time) : v.y(position(state.time, p, state.up));
      context.beginPath(), context.arc(x, y, 2.1, 0, 2 * Math.PI), context.fill(), context.stroke();
    }
  };

  const polyline = (v, points, colour) => {
    context.lineWidth = 2.2, context.strokeStyle = colour;
    context.beginPath();
    points.forEach((p, k) => (k ? context.lineTo(v.x(p[0]), v.y(p[1])) : context.moveTo(v.x(p[0]), v.y(p[1]))));
    context.stroke();
  };

  const pathAt = (time) => {
    const place = clamp(time / end, 0, 1) * (state.path.points.length - 1), k = Math.min(Math.floor(place), state.path.points.length - 2);
    return [0, 1].map((c) => mix(state.path.points[k][c], state.path.points[k + 1][c], place - k));
  };

  const drawProbe = (v) => {
    if (!state.path) return;
    polyline(v, state.path.points, "rgba(0,0,0,.6)"), polyline(v, state.path.points, "#ffffff");
    const [x, y] = pathAt(state.time), px = v.x(x), py = v.y(y);
    if (state.path.adjoint) {
      const place = Math.round(clamp(state.time / end, 0, 1) * kSteps), a = state.path.adjoint[place];
      const sx = a[0] * v.width / (v.rx[1] - v.rx[0]), sy = -a[1] * v.height / (v.ry[1] - v.ry[0]);
      const length = Math.hypot(sx, sy);
      if (length > 0 && Number.isFinite(length)) {
        const long = 12 + 26 * Math.tanh(Math.hypot(a[0], a[1]) / state.path.longest * 2);
        const ux = sx / length, uy = sy / length, tx = px + ux * long, ty = py + uy * long;
        context.strokeStyle = context.fillStyle = "#ff4fa3", context.lineWidth = 2.5;
        context.beginPath(), context.moveTo(px, py), context.lineTo(tx, ty), context.stroke();
        context.beginPath(), context.moveTo(tx + 6 * ux, ty + 6 * uy), context.lineTo(tx - 4 * uy, ty + 4 * ux),
        context.lineTo(tx + 4 * uy, ty - 4 * ux), context.fill();
      }
    }
    context.fillStyle = "#ffffff", context.strokeStyle = "#000000", context.lineWidth = 2;
    context.beginPath(), context.arc(px, py, 6, 0, 2 * Math.PI), context.fill(), context.stroke();
  };

  const drawAdjoint = () => {
    const chart = $("adjoint");
    $("adjoint-figure").hidden = !(state.path && state.path.adjoint);
    if ($("adjoint-figure").hidden) return;
    const ratio = sharpen(chart), c = chart.getContext("2d"), w = chart.clientWidth, h = chart.clientHeight;
    const style = getComputedStyle(document.body), ink = style.color, accent = style.getPropertyValue("--accent");
    c.setTransform(ratio, 0, 0, ratio, 0, 0), c.clearRect(0, 0, w, h);
    const lengths = state.path.adjoint.map((a) => Math.hypot(a[0], a[1])), top = state.path.longest * 1.1;
    const x = (k) => 40 + (w - 50) * k / kSteps, y = (v) => 8 + (h - 34) * (1 - v / top);
    c.strokeStyle = c.fillStyle = ink, c.lineWidth = 1, c.strokeRect(40, 8, w - 50, h - 34);
    c.font = "11px system-ui, sans-serif", c.textAlign = "right", c.textBaseline = "middle";
    c.fillText(short(Number(state.path.longest.toPrecision(2))), 36, y(state.path.longest)), c.fillText("0", 36, y(0));
    c.textAlign = "center", c.textBaseline = "top";
    c.fillText("0", x(0), h - 22), c.fillText(short(end), x(kSteps), h - 22), c.fillText("time", x(kSteps / 2), h - 22);
    c.strokeStyle = accent, c.lineWidth = 2, c.beginPath();
    lengths.forEach((v, k) => (k ? c.lineTo(x(k), y(v)) : c.moveTo(x(k), y(v))));
    c.stroke();
    c.strokeStyle = ink, c.lineWidth = 1, c.beginPath();
    c.moveTo(x(state.time / end * kSteps), 8), c.lineTo(x(state.time / end * kSteps), h - 26), c.stroke();
  };

  const sharpen = (c) => {
    const ratio = window.devicePixelRatio || 1, w = Math.round(c.clientWidth * ratio), h = Math.round(c.clientHeight * ratio);
    if (c.width !== w || c.height !== h) c.width = w, c.height = h;
    return ratio;
  };

  const draw = () => {
    const ratio = sharpen(canvas), v = view(), ink = getComputedStyle(document.body).color;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    if (density) storedDensity(); else particleDensity(v);
    context.save();
    context.beginPath(), context.rect(kLeft, kTop, v.width, v.height), context.clip();
    context.imageSmoothingEnabled = true;
    context.drawImage(image, kLeft, kTop, v.width, v.height);
    if (flat) polyline(v, [[v.rx[0], state.time], [v.rx[1], state.time]], "rgba(255,255,255,.8)");
    if ($("show-particles").checked) drawParticles(v);
    drawProbe(v);
    context.restore();
    axes(v, ink);
    drawAdjoint();
    $("time-text").textContent = "t = " + state.time.toFixed(2);
    canvas.setAttribute("aria-label", "Density and particles of the flow at time " + state.time.toFixed(2) + " of " + short(end));
  };
  let asked = false;
  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };

  // --- what the user does ---
  const say = (text) => { $("readout").textContent = text; };
  const describe = (x, y) => {
    const names = flat ? [[data.columns[0], x]] : [[data.columns[state.across], x], [data.columns[state.up], y]];
    const place = names.map(([name, v]) => name + " = " + short(v)).join(", ");
    if (!density) return place;
    const t = flat ? y : state.time, log = logDensity(t, x, y);
    return place + ": log p = " + (Number.isNaN(log) ? "not stored here" : short(Number(log.toFixed(2))) + " nats") +
      " at t = " + short(Number(t.toFixed(2)));
  };

  // The stored particle that is the nearest at the time, as a pathline.
  const storedPath = (x, y, v) => {
    let best = 0, least = Infinity;
    for (let p = 0; p < count; ++p) {
      const dx = (position(state.time, p, state.across) - x) / (v.rx[1] - v.rx[0]);
      const dy = flat ? 0 : (position(state.time, p, state.up) - y) / (v.ry[1] - v.ry[0]);
      if (dx * dx + dy * dy < least) least = dx * dx + dy * dy, best = p;
    }
    return data.times.map((t, k) => [at(k, best, state.across), flat ? t : at(k, best, state.up)]);
  };

  const place = (x, y) => {
    const v = view();
    x = clamp(x, v.rx[0], v.rx[1]), y = clamp(y, v.ry[0], v.ry[1]);
    if (velocity) {
      const points = pathline(state.time, x, y), a = adjoint(points);
      const longest = a.reduce((m, q) => Math.max(m, Math.hypot(q[0], q[1])), 0);
      state.path = {points, adjoint: Number.isFinite(longest) && longest > 0 ? a : null, longest};
    } else {
      state.path = {points: storedPath(x, y, v), adjoint: null};
    }
    state.probe = velocity ? [x, y] : pathAt(state.time);
    say(describe(state.probe[0], state.probe[1]));
    redraw();
  };

  const setTime = (time) => {
    state.time = clamp(time, 0, end);
    $("time").value = state.time / end;
    if (state.path) state.probe = pathAt(state.time);
    if (state.path && !state.playing) say(describe(state.probe[0], state.probe[1]));
    redraw();
  };

  const play = (on) => {
    state.playing = on, state.last = null;
    $("play").textContent = on ? "Pause" : "Play";
    $("play").setAttribute("aria-pressed", String(on));
    if (on && state.time >= end) setTime(0);
    if (on) requestAnimationFrame(tick);
  };
  const tick = (now) => {
    if (!state.playing) return;
    if (state.last !== null) setTime(state.time + end * Math.min(now - state.last, 100) / 5000);  // a hidden page waits
    state.last = now;
    if (state.time >= end) play(false); else requestAnimationFrame(tick);
  };

  $("time").addEventListener("input", (e) => { play(false); setTime(Number(e.target.value) * end); });
  $("play").addEventListener("click", () => play(!state.playing));
  $("show-particles").addEventListener("change", redraw);
  const pointed = (e) => {
    const box = canvas.getBoundingClientRect(), v = view();
    return [v.left(e.clientX - box.left), v.up(e.clientY - box.top)];
  };
  canvas.addEventListener("pointerdown", (e) => { state.dragging = true; canvas.setPointerCapture(e.pointerId); place(...pointed(e)); });
  canvas.addEventListener("pointermove", (e) => {
    const [x, y] = pointed(e);
    if (state.dragging) place(x, y); else say(describe(x, y));
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { state.dragging = false; });
  canvas.addEventListener("keydown", (e) => {
    const v = view(), sx = (v.rx[1] - v.rx[0]) / 80, sy = (v.ry[1] - v.ry[0]) / 80;
    const probe = state.probe || [mix(v.rx[0], v.rx[1], 0.5), mix(v.ry[0], v.ry[1], 0.5)];
    const moves = {ArrowLeft: [-sx, 0], ArrowRight: [sx, 0], ArrowUp: [0, sy], ArrowDown: [0, -sy]};
    if (flat && moves[e.key] && moves[e.key][1]) setTime(state.time + Math.sign(moves[e.key][1]) * end / (frames - 1));
    else if (moves[e.key]) place(probe[0] + moves[e.key][0], probe[1] + moves[e.key][1]);
    else if (e.key === " ") play(!state.playing);
    else if (e.key === ",") setTime(state.time - end / (frames - 1));
    else if (e.key === ".") setTime(state.time + end / (frames - 1));
    else return;
    e.preventDefault();
  });
  if (columns > 2) {
    $("pair").hidden = false;
    for (const id of ["across", "up"]) {
      data.columns.forEach((name, i) => $(id).add(new Option(name, String(i))));
      $(id).value = String(state[id]);
      $(id).addEventListener("change", (e) => { state[id] = Number(e.target.value); state.path = state.probe = null; redraw(); });
    }
  }
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  setTime(end);
})();
