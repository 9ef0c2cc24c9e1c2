// Brings a drawing to life: details on pointing, causal past and future on choosing, a key filter, zoom, keys.
// Everything it knows is in the element "history"; it asks nothing of any network.
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const history = JSON.parse(byId('history').textContent);
  const events = new Map(history.events.map((event) => [event.id, event]));
  const arrows = new Map(history.arrows.map((arrow) => [arrow.id, arrow]));
  const drawings = [...document.querySelectorAll('.drawing')];
  const state = { chosen: null, zoom: 1, shown: null };

  const eventOf = (element) => events.get(Number(element.dataset.event));
  const arrowOf = (element) => arrows.get(Number(element.dataset.arrow));
  const active = () => drawings.find((drawing) => !drawing.hidden);
  const elementsIn = (root, kind) => [...root.querySelectorAll(`[data-${kind}]`)];
  const visibleEvents = () => elementsIn(active(), 'event').filter((e) => !('filtered' in e.dataset));

  // What `other` is to `self`. seen[lane] says how many of a lane's first points are at or before an event.
  function relationOf(self, other) {
    if (self === other) return 'self';
    if (self.seen[other.lane] > other.place) return 'past';
    return other.seen[self.lane] > self.place ? 'future' : 'concurrent';
  }

  // A message is on the way to the chosen event, on the way from it, or neither.
  function pathOf(self, arrow) {
    const to = events.get(arrow.to);
    const from = events.get(arrow.from);
    if (to && ['self', 'past'].includes(relationOf(self, to))) return 'past';
    if (from && ['self', 'future'].includes(relationOf(self, from))) return 'future';
    return 'other';
  }

  function showCounts() {
    byId('chosen').hidden = !state.chosen;
    if (!state.chosen) return;
    const counts = { self: 0, past: 0, future: 0, concurrent: 0 };
    for (const element of visibleEvents()) ++counts[element.dataset.relation];
    for (const relation of ['past', 'future', 'concurrent']) {
      byId(`count-${relation}`).textContent = String(counts[relation]);
    }
    byId('chosen-name').textContent = state.chosen.facts[0][1];
  }

  function choose(event) {
    state.chosen = event;
    for (const element of elementsIn(document, 'event')) {
      element.setAttribute('aria-pressed', String(event === eventOf(element)));
      if (event) element.dataset.relation = relationOf(event, eventOf(element));
      else delete element.dataset.relation;
    }
    for (const element of elementsIn(document, 'arrow')) {
      if (event) element.dataset.path = pathOf(event, arrowOf(element));
      else delete element.dataset.path;
    }
    showCounts();
  }

  function showFacts(facts) {
    const list = document.createElement('dl');
    for (const [name, text] of facts) {
      list.append(Object.assign(document.createElement('dt'), { textContent: name }));
      list.append(Object.assign(document.createElement('dd'), { textContent: text }));
    }
    byId('details').replaceChildren(list);
  }

  function showDetailsOf(element) {
    if (element === state.shown) return;
    state.shown = element;
    if ('event' in element.dataset) return showFacts(eventOf(element).facts);
    const arrow = arrowOf(element);
    showFacts([['message', arrow.text], ['state', arrow.status]]);
  }

  // A message is about a key if one of its ends is; starts, crashes and gaps stay.
  function filter(text) {
    const isPrefix = text.endsWith('*');
    const wanted = isPrefix ? text.slice(0, -1) : text;
    const matches = (key) => (isPrefix ? key.startsWith(wanted) : key === wanted);
    const kept = new Set();
    for (const event of events.values()) {
      if (text === '' || event.is_of_process || event.keys.some(matches)) kept.add(event.id);
    }
    const ends = new Set();
    for (const { from, to } of arrows.values()) {
      if (kept.has(from) || kept.has(to)) ends.add(from).add(to);
    }
    const isKept = (id) => kept.has(id) || ends.has(id);
    for (const element of elementsIn(document, 'event')) {
      element.toggleAttribute('data-filtered', !isKept(eventOf(element).id));
    }
    for (const element of elementsIn(document, 'arrow')) {
      const { from, to } = arrowOf(element);
      element.toggleAttribute('data-filtered', !isKept(from === null ? to : from));
    }
    showShown();
  }

  function showShown() {
    const all = elementsIn(active(), 'event').length;
    const visible = visibleEvents().length;
    byId('shown').textContent = visible === all ? `${all} events` : `${visible} of ${all} events`;
    showCounts();
  }

  function zoomTo(zoom) {
    state.zoom = Math.min(8, Math.max(0.2, zoom));
    for (const svg of document.querySelectorAll('.drawing > svg')) {
      svg.setAttribute('width', String(svg.viewBox.baseVal.width * state.zoom));
      svg.setAttribute('height', String(svg.viewBox.baseVal.height * state.zoom));
    }
    byId('zoom-reset').textContent = `${Math.round(state.zoom * 100)}%`;
  }

  const spotOf = (element) => {
    const hit = element.querySelector('.hit');
    return { x: Number(hit.getAttribute('cx')), y: Number(hit.getAttribute('cy')) };
  };

  // Up and down: the next event of the lane.
  function alongLane(element, step) {
    const { lane, place } = eventOf(element);
    const own = visibleEvents().filter((other) => {
      const event = eventOf(other);
      return event.lane === lane && (event.place - place) * step > 0;
    });
    return own.sort((a, b) => (eventOf(a).place - eventOf(b).place) * step)[0];
  }

  // Left and right: the other end of a message if it is on that side; else the nearest event of the next lane.
  function across(element, step) {
    const self = eventOf(element);
    const onSide = visibleEvents().filter((other) => (eventOf(other).lane - self.lane) * step > 0);
    for (const { from, to } of arrows.values()) {
      if (from !== self.id && to !== self.id) continue;
      const end = onSide.find((other) => eventOf(other).id === (from === self.id ? to : from));
      if (end) return end;
    }
    const nearness = (other) => Math.abs(eventOf(other).lane - self.lane) * 1e6 +
      Math.abs(spotOf(other).y - spotOf(element).y);
    return onSide.sort((a, b) => nearness(a) - nearness(b))[0];
  }

  function onEventKey(element, key) {
    const moves = {
      ArrowUp: () => alongLane(element, -1),
      ArrowDown: () => alongLane(element, 1),
      ArrowLeft: () => across(element, -1),
      ArrowRight: () => across(element, 1),
    };
    if (key === 'Enter' || key === ' ') choose(eventOf(element));
    else if (key in moves) moves[key]()?.focus();
    else return false;
    return true;
  }

  function toggleHelp() {
    byId('help').hidden = !byId('help').hidden;
    byId('help-open').setAttribute('aria-expanded', String(!byId('help').hidden));
  }

  function onKey(key) {
    const actions = {
      '+': () => zoomTo(state.zoom * 1.25),
      '=': () => zoomTo(state.zoom * 1.25),
      '-': () => zoomTo(state.zoom / 1.25),
      0: () => zoomTo(1),
      '?': toggleHelp,
    };
    if (!Object.hasOwn(actions, key)) return false;
    actions[key]();
    return true;
  }

  function prepare(element) {
    const { x, y } = spotOf(element);
    const ring = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    const shape = { class: 'ring', cx: x, cy: y, r: 10.2 };
    for (const [name, value] of Object.entries(shape)) ring.setAttribute(name, value);
    element.querySelector('.hit').after(ring);
    element.setAttribute('tabindex', '0');
    element.setAttribute('role', 'button');
    element.setAttribute('aria-pressed', 'false');
    element.setAttribute('aria-label', eventOf(element).facts[0][1]);
  }

  const partOf = (target) => target.closest('[data-event], [data-arrow]');

  for (const drawing of drawings) {
    drawing.querySelector('svg').setAttribute('role', 'group');
    elementsIn(drawing, 'event').forEach(prepare);
  }
  byId('drawings').addEventListener('click', ({ target }) => {
    const element = target.closest('[data-event]');
    choose(element ? eventOf(element) : null);
  });
  for (const kind of ['mouseover', 'focusin']) {
    byId('drawings').addEventListener(kind, ({ target }) => {
      const part = partOf(target);
      if (part) showDetailsOf(part);
    });
  }
  byId('drawings').addEventListener('wheel', (wheel) => {
    if (!wheel.ctrlKey) return;
    wheel.preventDefault();
    zoomTo(state.zoom * (wheel.deltaY < 0 ? 1.1 : 1 / 1.1));
  }, { passive: false });
  document.addEventListener('keydown', (press) => {
    if (press.key === 'Escape') {
      choose(null);
      byId('key').value = '';
      filter('');
      return;
    }
    if (press.ctrlKey || press.metaKey || press.altKey || press.target.matches('input')) return;
    const element = press.target.closest('[data-event]');
    if ((element && onEventKey(element, press.key)) || onKey(press.key)) press.preventDefault();
  });
  byId('key').addEventListener('input', ({ target }) => filter(target.value));
  byId('quiet')?.addEventListener('change', ({ target }) => {
    for (const drawing of drawings) drawing.hidden = (drawing.dataset.quiet === 'shown') !== target.checked;
    showShown();
  });
  byId('zoom-in').addEventListener('click', () => zoomTo(state.zoom * 1.25));
  byId('zoom-out').addEventListener('click', () => zoomTo(state.zoom / 1.25));
  byId('zoom-reset').addEventListener('click', () => zoomTo(1));
  byId('help-open').addEventListener('click', toggleHelp);
  zoomTo(1);
  showShown();
})();
