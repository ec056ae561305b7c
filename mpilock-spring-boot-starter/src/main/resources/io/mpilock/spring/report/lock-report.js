'use strict';
(() => {
  const byId = id => document.getElementById(id);
  const report = JSON.parse(byId('data').textContent);
  const canvas = byId('lanes');
  const context = canvas.getContext('2d');
  const tip = byId('tip');
  const MODES = ['read', 'write', 'single write'];
  const COLOURS = ['read', 'write', 'single'];
  const OUTCOMES = ['granted', 'gave up', 'failed'];
  const LEFT = 66, RIGHT = 10, TOP = 6, AXIS = 30, SHORTEST = 100;

  // The events by column, so that a pass over 100,000 of them is quick.
  const events = report.events;
  const count = events.length;
  const begin = Float64Array.from(events, e => e[5]);
  const grant = Float64Array.from(events, e => e[5] + e[6]);
  const end = Float64Array.from(events, e => e[5] + e[6] + e[7]);
  const laneOf = new Map(report.ranks.map((rank, lane) => [rank.rank, lane]));
  const lanes = report.ranks.map(() => []);
  events.forEach((e, i) => lanes[laneOf.get(e[0])].push(i));

  // All of it: from the first request to the last release, with a little room.
  let first = 0, last = report.job.durationNanos;
  if (count > 0) {
    first = begin[0];
    last = end.reduce((a, b) => Math.max(a, b), begin[0]);
  }
  const room = Math.max(SHORTEST, last - first) * 0.01;
  first -= room;
  last += room;

  let from = first, to = last, resource = -1, selected = -1, hovered = -1;
  let width = 0, lane = 0, height = 0, colours = {}, drawing = false;

  const time = nanos => {
    const n = Math.abs(nanos);
    const [value, unit] =
      n < 999.5 ? [nanos, 'ns'] : n < 999.5e3 ? [nanos / 1e3, 'µs'] : n < 999.5e6 ? [nanos / 1e6, 'ms'] : [nanos / 1e9, 's'];
    const a = Math.abs(value);
    return (unit === 'ns' || a >= 99.95 ? Math.round(value) : a < 9.995 ? value.toFixed(2) : value.toFixed(1)) + ' ' + unit;
  };
  const x = t => LEFT + (t - from) / (to - from) * (width - LEFT - RIGHT);
  const t = px => from + (px - LEFT) / (width - LEFT - RIGHT) * (to - from);
  const isShown = i => resource < 0 || events[i][1] === resource;

  const style = () => {
    const css = getComputedStyle(document.documentElement);
    const names = ['ink', 'soft', 'line', 'lane', 'focus'].concat(COLOURS, COLOURS.map(c => c + '-wait'));
    colours = Object.fromEntries(names.map(name => [name, css.getPropertyValue('--' + name).trim()]));
    colours.font = getComputedStyle(document.body).fontFamily;
  };

  const size = () => {
    width = canvas.clientWidth;
    lane = Math.min(44, Math.max(10, 420 / Math.max(1, lanes.length)));
    height = TOP + lanes.length * lane + AXIS;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = height + 'px';
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw();
  };

  const draw = () => {
    if (!drawing) {
      drawing = true;
      requestAnimationFrame(() => { drawing = false; paint(); });
    }
  };

  // Where an event's hold and its wait are in its lane.
  const strips = l => {
    const y = TOP + l * lane;
    const gap = Math.max(1, lane * 0.08);
    const hold = (lane - 2 * gap) * 0.58;
    return { y, hold: y + gap, holdHeight: hold, wait: y + gap + hold, waitHeight: lane - 2 * gap - hold };
  };

  const step = span => {
    const power = Math.pow(10, Math.floor(Math.log10(span / 8)));
    return [1, 2, 5, 10].map(f => f * power).find(s => span / s <= 8);
  };

  const paint = () => {
    context.clearRect(0, 0, width, height);
    context.font = '12px ' + colours.font;
    context.textBaseline = 'middle';
    const bottom = TOP + lanes.length * lane;
    for (let l = 0; l < lanes.length; l++) {
      if (l % 2 === 0) {
        context.fillStyle = colours.lane;
        context.fillRect(0, TOP + l * lane, width, lane);
      }
    }
    // Counted from the begin of the job, in steps of 1, 2 or 5.
    const tick = step(to - from);
    context.textAlign = 'center';
    for (let n = Math.ceil(from / tick); n * tick <= to; n++) {
      const px = x(n * tick);
      context.fillStyle = colours.line;
      context.fillRect(px, TOP, 1, bottom - TOP);
      context.fillStyle = colours.soft;
      if (px > LEFT - 1 && px < width - 24) context.fillText(tickText(n * tick, tick), px, bottom + 12);
    }
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT - RIGHT, height);
    context.clip();
    for (let l = 0; l < lanes.length; l++) bars(l);
    mark(selected, 2);
    if (hovered !== selected) mark(hovered, 1);
    context.restore();
    context.textAlign = 'right';
    const every = Math.ceil(14 / lane);
    for (let l = 0; l < lanes.length; l += every) {
      context.fillStyle = colours.ink;
      context.fillText('rank ' + report.ranks[l].rank, LEFT - 10, TOP + (l + 0.5) * lane);
    }
    // Which part of the whole is shown.
    const all = width - LEFT - RIGHT;
    context.fillStyle = colours.line;
    context.fillRect(LEFT, height - 5, all, 3);
    context.fillStyle = colours.soft;
    context.fillRect(LEFT + (from - first) / (last - first) * all, height - 6, Math.max(4, (to - from) / (last - first) * all), 5);
  };

  const tickText = (at, tick) => {
    const unit = tick >= 1e8 ? [1e9, 's'] : tick >= 1e5 ? [1e6, 'ms'] : tick >= 100 ? [1e3, 'µs'] : [1, 'ns'];
    const digits = Math.max(0, Math.min(3, -Math.floor(Math.log10(tick / unit[0]) + 1e-9)));
    return (at / unit[0]).toFixed(digits) + ' ' + unit[1];
  };

  // What is narrower than a pixel or two is added up by pixel, and as dense as its share of it: so there are never many
  // more bars than pixels, and a thousand short waits do not look like a long one.
  const FEW = 1.5, LEAST_HOLD = 0.3, SHADES = 8;
  const bars = l => {
    const s = strips(l);
    const right = width - RIGHT;
    const dense = Array.from({ length: 6 }, () => new Float32Array(Math.ceil(width) + 1));
    const y = kind => kind >= 3 ? s.wait : s.hold;
    const high = kind => kind >= 3 ? s.waitHeight : s.holdHeight;
    const colour = kind => colours[COLOURS[kind % 3] + (kind >= 3 ? '-wait' : '')];
    const add = (kind, a, b) => {
      if (b <= from || a >= to) return;
      const px = Math.max(x(a), LEFT), wide = Math.min(x(b), right) - px;
      if (wide < FEW) {
        dense[kind][Math.floor(px)] += kind < 3 ? Math.max(LEAST_HOLD, wide) : wide;
      } else {
        context.fillStyle = colour(kind);
        context.fillRect(px, y(kind), wide, high(kind));
      }
    };
    for (const i of lanes[l]) {
      if (begin[i] > to) break;
      if (end[i] < from || !isShown(i)) continue;
      if (grant[i] > begin[i]) add(3 + events[i][2], begin[i], grant[i]);
      if (end[i] > grant[i]) add(events[i][2], grant[i], end[i]);
    }
    dense.forEach((columns, kind) => {
      context.fillStyle = colour(kind);
      const shade = px => Math.round(Math.min(1, columns[px]) * SHADES);
      for (let px = 0; px < columns.length;) {
        const start = px, mine = shade(px);
        while (px < columns.length && shade(px) === mine) px++;
        if (mine > 0) {
          context.globalAlpha = mine / SHADES;
          context.fillRect(start, y(kind), px - start, high(kind));
        }
      }
      context.globalAlpha = 1;
    });
  };

  const mark = (i, line) => {
    if (i < 0 || !isShown(i)) return;
    const s = strips(laneOf.get(events[i][0]));
    context.strokeStyle = colours.ink;
    context.lineWidth = line;
    const box = (a, b, y, h) => {
      if (b > a) context.strokeRect(x(a) - line / 2, y, Math.max(2, x(b) - x(a)) + line, h);
    };
    box(begin[i], grant[i], s.wait, s.waitHeight);
    box(grant[i], end[i], s.hold, s.holdHeight);
  };

  const show = (a, b) => {
    const whole = last - first;
    const span = Math.min(whole, Math.max(SHORTEST, b - a));
    const middle = (a + b) / 2;
    from = Math.min(Math.max(first, middle - span / 2), last - span);
    to = from + span;
    const range = byId('range');
    range.dataset.from = from;
    range.dataset.to = to;
    range.textContent = time(to - from) + ' of ' + time(whole) + (from > first ? ', from ' + time(Math.max(0, from)) : '');
    draw();
  };
  const zoom = (factor, at = (from + to) / 2) => {
    const span = Math.min(last - first, Math.max(SHORTEST, (to - from) * factor));
    const part = (at - from) / (to - from);
    show(at - part * span, at - part * span + span);
  };
  const move = part => show(from + part * (to - from), to + part * (to - from));

  // The shortest event under the pointer, or the nearest within a few pixels.
  const find = (px, py) => {
    const l = Math.floor((py - TOP) / lane);
    if (l < 0 || l >= lanes.length || px < LEFT - 4) return -1;
    const isWait = py >= strips(l).wait;
    const at = t(px);
    const near = t(px + 4) - at;
    let found = -1, best = Infinity;
    for (const i of lanes[l]) {
      if (begin[i] - near > at) break;
      const a = isWait ? begin[i] : grant[i], b = isWait ? grant[i] : end[i];
      if (b > a && at >= a - near && at <= b + near && isShown(i)) {
        const away = at < a ? a - at : at > b ? at - b : 0;
        const score = away > 0 ? 1e15 + away : b - a;
        if (score < best) { best = score; found = i; }
      }
    }
    return found;
  };

  const details = (i, parent) => {
    const e = events[i];
    const element = (name, text, into) => into.appendChild(Object.assign(document.createElement(name), { textContent: text }));
    parent.replaceChildren();
    element('b', 'rank ' + e[0] + ', ' + MODES[e[2]] + ' of ' + report.names[e[1]], parent);
    const list = parent.appendChild(document.createElement('dl'));
    const rows = [['thread', report.names[e[4]]], ['at', time(e[5])], ['wait', time(e[6])]];
    if (e[3] !== 0) rows.push(['outcome', OUTCOMES[e[3]]]);
    else if (e[7] > 0) rows.push(['hold', time(e[7])]);
    rows.forEach(([name, value]) => { element('dt', name, list); element('dd', value, list); });
    parent.dataset.event = i;
  };
  const hover = (i, px, py) => {
    if (i !== hovered) { hovered = i; draw(); }
    tip.style.display = i < 0 ? 'none' : 'block';
    if (i < 0) { delete tip.dataset.event; return; }
    details(i, tip);
    tip.style.left = Math.max(0, Math.min(px + 14, width - tip.offsetWidth - 4)) + 'px';
    tip.style.top = (py + 18) + 'px';
  };
  const select = i => {
    selected = i;
    const box = byId('selected');
    box.replaceChildren();
    delete box.dataset.event;
    if (i >= 0) {
      details(i, box);
      box.firstChild.after(box.lastChild);
      box.classList.add('line');
    }
    document.querySelectorAll('tr.wait').forEach(row => row.classList.toggle('on', Number(row.dataset.event) === i));
    draw();
  };
  // The event with what surrounds it.
  const zoomTo = i => {
    const room = Math.max(SHORTEST, end[i] - begin[i]);
    show(begin[i] - room * 0.6, end[i] + room * 0.6);
  };
  const filter = value => {
    resource = value;
    byId('resource').value = String(value);
    hover(-1);
    draw();
  };
  const walk = by => {
    if (count === 0) return;
    let i = selected < 0 && by < 0 ? count : selected;
    do { i += by; } while (i >= 0 && i < count && !isShown(i));
    if (i < 0 || i >= count) return;
    select(i);
    if (begin[i] < from || end[i] > to) show(begin[i] - (to - from) / 2, begin[i] + (to - from) / 2);
  };

  const used = [...new Set(events.map(e => e[1]))].sort((a, b) => report.names[a] < report.names[b] ? -1 : 1);
  used.forEach(i => byId('resource').append(new Option(report.names[i], String(i))));
  byId('resource').addEventListener('change', change => filter(Number(change.target.value)));
  byId('in').addEventListener('click', () => zoom(0.5));
  byId('out').addEventListener('click', () => zoom(2));
  byId('left').addEventListener('click', () => move(-0.25));
  byId('right').addEventListener('click', () => move(0.25));
  byId('all').addEventListener('click', () => show(first, last));
  document.querySelectorAll('tr.wait').forEach(row => row.addEventListener('click', () => {
    const i = Number(row.dataset.event);
    if (i < 0) return;
    if (!isShown(i)) filter(-1);
    select(i);
    zoomTo(i);
    canvas.scrollIntoView({ block: 'nearest' });
  }));

  const keys = {
    '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2), 'Home': () => show(first, last), '0': () => show(first, last),
    'ArrowLeft': () => move(-0.25), 'ArrowRight': () => move(0.25), 'n': () => walk(1), 'p': () => walk(-1),
    'Enter': () => selected >= 0 && zoomTo(selected), 'Escape': () => select(-1),
  };
  canvas.addEventListener('keydown', key => {
    const action = key.ctrlKey || key.metaKey || key.altKey ? null : keys[key.key.length === 1 ? key.key.toLowerCase() : key.key];
    if (action) { key.preventDefault(); action(); }
  });
  canvas.addEventListener('wheel', wheel => {
    wheel.preventDefault();
    if (Math.abs(wheel.deltaX) > Math.abs(wheel.deltaY)) move(wheel.deltaX / width);
    else zoom(Math.pow(1.0015, Math.max(-400, Math.min(400, wheel.deltaY))), t(wheel.offsetX));
  }, { passive: false });
  let drag = null;
  canvas.addEventListener('pointerdown', down => {
    drag = { x: down.offsetX, from, to, moved: false };
    canvas.setPointerCapture(down.pointerId);
  });
  canvas.addEventListener('pointermove', at => {
    if (drag) {
      drag.moved ||= Math.abs(at.offsetX - drag.x) > 3;
      if (drag.moved) {
        canvas.classList.add('panning');
        hover(-1);
        const by = (drag.x - at.offsetX) / (width - LEFT - RIGHT) * (drag.to - drag.from);
        show(drag.from + by, drag.to + by);
      }
      return;
    }
    hover(find(at.offsetX, at.offsetY), at.offsetX, at.offsetY);
  });
  canvas.addEventListener('pointerup', up => {
    if (drag && !drag.moved) select(find(up.offsetX, up.offsetY));
    drag = null;
    canvas.classList.remove('panning');
  });
  canvas.addEventListener('pointerleave', () => hover(-1));

  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { style(); draw(); });
  style();
  new ResizeObserver(() => canvas.clientWidth !== width && size()).observe(byId('chart'));
  size();
  show(first, last);
})();
