/**
 * What the page does, as the text of its script: it must run from a file without any build. Only what is in the window is
 * drawn; time between two events is drawn to scale up to a gap, and cut beyond it.
 */
export const pageScript = `
'use strict';
(function () {
  var data = JSON.parse(document.getElementById('data').textContent);
  var canvas = document.getElementById('canvas'), pen = canvas.getContext('2d');
  var scroll = document.getElementById('scroll'), tall = document.getElementById('tall');
  var body = document.querySelector('#twin tbody');
  var left = 90, top = 34, gapMax = 46, stepMin = 1.5, hidden = new Set(['ack']), found = -1;
  var things = [], y = [], yEnd = [], height = 0, buckets = [], bucketPx = 400;

  function sums(deltas) { var sum = 0; return deltas.map(function (delta) { sum += delta; return sum / data.unitsPerMs; }); }
  var messages = data.messages, marks = data.marks, strings = data.strings;
  var departed = sums(messages.at), marked = sums(marks.at);
  // A label is a text, and a number as the difference to the last one of that text.
  function labels(of) {
    var last = new Map();
    return of.text.map(function (text, i) {
      if (of.number[i] === null) return strings[text];
      var number = (last.get(text) || 0) + of.number[i];
      last.set(text, number);
      return strings[text] + number;
    });
  }
  var messageLabels = labels(messages), markLabels = labels(marks);
  departed.forEach(function (at, i) {
    things.push({ at: at, end: messages.took[i] < 0 ? -1 : at + messages.took[i] / data.unitsPerMs, lane: messages.from[i],
      to: messages.to[i], label: messageLabels[i], kind: strings[messages.kind[i]] });
  });
  marked.forEach(function (at, i) {
    things.push({ at: at, end: at, lane: marks.lane[i], to: -1, label: markLabels[i], mark: strings[marks.mark[i]] });
  });
  things.sort(function (a, b) { return a.at - b.at; });

  // Time to place: every instant at which something begins or ends has one.
  var instants = [], places = [];
  function lay() {
    var pxPerMs = Math.pow(2, Number(document.getElementById('scale').value));
    var set = new Set();
    things.forEach(function (thing) { if (isShown(thing)) { set.add(thing.at); if (thing.end >= 0) set.add(thing.end); } });
    instants = Array.from(set).sort(function (a, b) { return a - b; });
    places = new Array(instants.length);
    var place = 20, before = instants.length ? instants[0] : 0;
    instants.forEach(function (at, i) {
      if (i > 0) place += Math.max(stepMin, Math.min(gapMax, (at - before) * pxPerMs));
      places[i] = place; before = at;
    });
    height = place + 60; buckets = [];
    var index = new Map(instants.map(function (at, i) { return [at, places[i]]; }));
    things.forEach(function (thing, i) {
      if (!isShown(thing)) { y[i] = -1; return; }
      y[i] = index.get(thing.at); yEnd[i] = thing.end < 0 ? y[i] + 18 : index.get(thing.end);
      for (var b = Math.floor(y[i] / bucketPx); b <= Math.floor(yEnd[i] / bucketPx); b++) (buckets[b] = buckets[b] || []).push(i);
    });
    tall.style.height = (height + top) + 'px';
    draw();
  }
  function isShown(thing) { return thing.mark !== undefined || !hidden.has(thing.kind); }
  function inWindow(from, to) {
    var seen = new Set();
    for (var b = Math.floor(from / bucketPx); b <= Math.floor(to / bucketPx); b++) (buckets[b] || []).forEach(function (i) { seen.add(i); });
    return Array.from(seen).filter(function (i) { return yEnd[i] >= from && y[i] <= to; }).sort(function (a, b) { return a - b; });
  }
  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim(); }
  var colours = {};
  function refreshColours() {
    ['text', 'back', 'faint', 'line', 'message', 'lost', 'deliver', 'view', 'suspect', 'key'].forEach(function (name) { colours[name] = colour(name); });
  }
  var signs = { send: '\\u25CB', deliver: '\\u25A0', view: '\\u25A3', state: '\\u25BD', crash: '\\u2716', suspect: '?', trouble: '~' };
  var tones = { send: 'text', deliver: 'deliver', view: 'view', state: 'view', crash: 'lost', suspect: 'suspect', trouble: 'suspect' };
  var pending = false, twinTimer = 0;
  function draw() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(function () { pending = false; paint(); clearTimeout(twinTimer); twinTimer = setTimeout(twin, 120); });
  }
  function paint() {
    var ratio = window.devicePixelRatio || 1, w = scroll.clientWidth, h = scroll.clientHeight;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
      canvas.style.width = w + 'px'; canvas.style.height = h + 'px';
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = colours.back; pen.fillRect(0, 0, w, h);
    pen.font = '12px ui-monospace, monospace'; pen.textBaseline = 'middle';
    var gap = Math.max(60, (w - left - 20) / Math.max(1, data.lanes.length));
    function x(lane) { return left + lane * gap + 6; }
    var from = scroll.scrollTop;
    pen.strokeStyle = colours.line; pen.lineWidth = 1;
    data.lanes.forEach(function (name, lane) { pen.beginPath(); pen.moveTo(x(lane), top); pen.lineTo(x(lane), h); pen.stroke(); });
    var visible = inWindow(from - 20, from + h), lastClock = -99, lastMark = [], lastLabel = '';
    visible.forEach(function (i) {
      var thing = things[i], yy = y[i] - from + top, isFound = i === found;
      if (yy - lastClock >= 14) { pen.fillStyle = colours.faint; pen.fillText(thing.at.toFixed(1), 6, yy); lastClock = yy; }
      if (thing.mark !== undefined) {
        pen.fillStyle = isFound ? colours.key : colours[tones[thing.mark] || 'text'];
        var at = thing.lane < 0 ? left - 14 : x(thing.lane) - 4;
        // Marks of one process at one instant go below each other.
        yy = Math.max(yy, (lastMark[thing.lane + 1] || -99) + 13);
        lastMark[thing.lane + 1] = yy;
        pen.fillText((signs[thing.mark] || '') + ' ' + thing.label, at, yy, thing.lane < 0 ? w : gap - 4);
        return;
      }
      var isLost = thing.end < 0, x1 = x(thing.lane), x2 = x(thing.to), y2 = yEnd[i] - from + top;
      if (isLost) { x2 = x1 + (x2 - x1) * 0.7; }
      pen.strokeStyle = pen.fillStyle = isFound ? colours.key : isLost ? colours.lost : colours.message;
      pen.lineWidth = isFound ? 3 : 1; pen.setLineDash(isLost ? [5, 4] : []);
      pen.beginPath(); pen.moveTo(x1, yy); pen.lineTo(x2, y2); pen.stroke(); pen.setLineDash([]);
      if (isLost) pen.fillText('\\u2715', x2 - 4, y2); else head(x1, yy, x2, y2);
      // A multicast says its name once.
      var name = thing.lane + ' ' + thing.at + ' ' + thing.label;
      if (gap > 70 && name !== lastLabel) pen.fillText(thing.label, x1 + (x2 - x1) * 0.55 - 20, yy + (y2 - yy) * 0.55 - 8, gap);
      lastLabel = name;
    });
    pen.fillStyle = colours.back; pen.fillRect(0, 0, w, top);
    pen.fillStyle = colours.text; pen.font = 'bold 13px system-ui, sans-serif';
    data.lanes.forEach(function (name, lane) { pen.fillText(name, x(lane) - 4, top / 2, gap - 6); });
    pen.fillStyle = colours.faint; pen.fillText('ms', 6, top / 2);
  }
  function head(x1, y1, x2, y2) {
    var angle = Math.atan2(y2 - y1, x2 - x1);
    pen.beginPath(); pen.moveTo(x2, y2);
    pen.lineTo(x2 - 7 * Math.cos(angle - 0.4), y2 - 7 * Math.sin(angle - 0.4));
    pen.lineTo(x2 - 7 * Math.cos(angle + 0.4), y2 - 7 * Math.sin(angle + 0.4)); pen.fill();
  }
  function said(thing) {
    if (thing.mark !== undefined) return thing.label.indexOf(thing.mark) === 0 ? thing.label : thing.mark + ' ' + thing.label;
    return thing.label + ' to ' + data.lanes[thing.to] + (thing.end < 0 ? ', lost' : ', arrives ' + thing.end.toFixed(1));
  }
  function twin() {
    var from = scroll.scrollTop;
    body.textContent = '';
    inWindow(from, from + scroll.clientHeight - top).slice(0, 120).forEach(function (i) {
      var thing = things[i], row = body.insertRow();
      if (i === found) row.setAttribute('aria-current', 'true');
      [thing.at.toFixed(2), thing.lane < 0 ? '' : data.lanes[thing.lane], said(thing)].forEach(function (text) { row.insertCell().textContent = text; });
    });
  }
  function seek() {
    var text = document.getElementById('find').value.toLowerCase();
    if (text === '') { found = -1; draw(); return; }
    for (var step = 1; step <= things.length; step++) {
      var i = (found + step + things.length) % things.length, thing = things[i];
      if (y[i] < 0) continue;
      var hay = said(thing) + ' ' + (thing.lane < 0 ? '' : data.lanes[thing.lane]);
      if (hay.toLowerCase().indexOf(text) >= 0) { found = i; scroll.scrollTop = Math.max(0, y[i] - scroll.clientHeight / 3); draw(); return; }
    }
  }
  var kinds = document.getElementById('kinds');
  Array.from(new Set(messages.kind)).map(function (k) { return strings[k]; }).sort().forEach(function (kind) {
    var label = document.createElement('label'), box = document.createElement('input');
    box.type = 'checkbox'; box.checked = !hidden.has(kind);
    box.addEventListener('change', function () { if (box.checked) hidden.delete(kind); else hidden.add(kind); lay(); });
    label.append(box, ' ' + kind); kinds.append(label);
  });
  document.getElementById('about').textContent = data.origin + ': ' + data.lanes.length + ' processes, ' + departed.length +
    ' messages, ' + marked.length + ' marks' + (data.omitted > 0 ? '; ' + data.omitted + ' events were left out' : '') + '.';
  document.getElementById('scale').addEventListener('input', lay);
  document.getElementById('find').addEventListener('keydown', function (event) { if (event.key === 'Enter') seek(); });
  document.getElementById('next').addEventListener('click', seek);
  scroll.addEventListener('scroll', draw, { passive: true });
  window.addEventListener('resize', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', function () { refreshColours(); draw(); });
  refreshColours(); lay();
})();
`;
