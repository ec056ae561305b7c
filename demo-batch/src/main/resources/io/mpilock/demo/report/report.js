'use strict';
// Draws the map and the bars of report.html; the style sheet has the colours d0 to d5.
(() => {
  const number = text => Number(text.replaceAll(',', ''));
  const step = element => 'd' + d3.bisect([0, 4, 8, 12, 16], number(element.dataset.delay));

  // The states with Alaska and Hawaii in the corners, and an inset for the islands in the Caribbean.
  const states = JSON.parse(document.getElementById('states').textContent);
  const mainland = d3.geoAlbersUsa().scale(1200).translate([480, 275]);
  const islands = d3.geoConicEqualArea().parallels([8, 18]).rotate([66, 0]).center([0, 18])
    .scale(1200).translate([830, 540]).clipExtent([[760, 500], [900, 585]]);
  const map = document.getElementById('map');
  for (const projection of [islands, mainland]) {
    const land = document.createElementNS(map.namespaceURI, 'path');
    land.setAttribute('class', 'land');
    land.setAttribute('d', d3.geoPath(projection)(states) ?? '');
    map.prepend(land);
  }

  const circles = [...map.querySelectorAll('circle')];
  const most = d3.max(circles, circle => number(circle.dataset.flights));
  for (const circle of circles) {
    circle.setAttribute('r', Math.max(1.8, 23 * Math.sqrt(number(circle.dataset.flights) / most)).toFixed(1));
    circle.setAttribute('class', step(circle));
  }
  for (const mark of map.querySelectorAll('[data-place]')) {
    const place = mark.dataset.place.split(' ').map(Number);
    const point = mark.dataset.place === '' ? null : mainland(place) ?? (place[0] < 0 ? islands(place) : null);
    if (point === null) mark.remove(); // not known, or off the map
    else mark.setAttribute('transform', 'translate(' + point.map(p => p.toFixed(1)) + ')');
  }

  const bars = [...document.querySelectorAll('.meter i')];
  const longest = d3.max(bars, bar => number(bar.dataset.delay));
  for (const bar of bars) {
    bar.className = step(bar);
    bar.style.width = 100 * number(bar.dataset.delay) / longest + '%';
  }

  const locks = document.getElementById('locks');
  const fit = () => { locks.style.height = locks.contentDocument.documentElement.scrollHeight + 'px'; };
  locks?.addEventListener('load', fit);
  if (locks?.contentDocument?.readyState === 'complete') fit();
})();
