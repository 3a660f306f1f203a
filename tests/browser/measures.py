"""What the tests of reach and calm ask a page, in the page's own language. Each gives a list of faults in words."""

NAMED = """const named = (e) => `${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''}.${e.className.baseVal ?? e.className} “${(e.textContent || e.value || '').trim().slice(0, 30)}”`;"""

SMALL = (
    """(least) => { """
    + NAMED
    + """
  // What a finger hits: the whole label round a control.
  const hit = (e) => e.closest('label') || e;
  const inSentence = (e) => {
    // A link between words on their line: a taller one would push the lines apart (WCAG 2.5.8 lets it).
    if (!e.matches('a') || getComputedStyle(e).display !== 'inline') return false;
    const line = e.closest('p, li, dd, td, .small, .quiet');
    return Boolean(line) && line.textContent.trim().length > e.textContent.trim().length;
  };
  const namesItsField = (e) => {
    // A tap on it goes to its field, which is a target of its own.
    return e.matches('label') && e.htmlFor && document.getElementById(e.htmlFor);
  };
  const seen = new Set();
  return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, label')]
    .filter((e) => e.checkVisibility() && !e.matches('.skip-link, .hidden, :disabled') && !inSentence(e) && !namesItsField(e))
    .map(hit).filter((e) => !seen.has(e) && seen.add(e))
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([, r]) => Math.round(r.width) < least || Math.round(r.height) < least)
    .map(([e, r]) => `${named(e)} ${Math.round(r.width)}x${Math.round(r.height)}`); }"""
)

CUT = (
    """() => { """
    + NAMED
    + """
  const wide = document.documentElement.scrollWidth > innerWidth ? [`the page is ${document.documentElement.scrollWidth} wide`] : [];
  const shown = [...document.body.querySelectorAll('*')].filter((e) => e.checkVisibility() && !e.closest('.hidden, svg, canvas, .table-box') && !e.matches('.skip-link, option'));
  const ownText = (e) => [...e.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
  const faults = [];
  for (const e of shown) {
    const style = getComputedStyle(e);
    if (style.display !== 'inline' && !e.matches('.mark span') && ownText(e).length) {
      if (e.clientWidth && e.scrollWidth > e.clientWidth + 1) faults.push(`${named(e)} is ${e.scrollWidth} in ${e.clientWidth}`);
      if (e.clientHeight && e.scrollHeight > e.clientHeight + Math.max(2, parseFloat(style.fontSize) / 5) && !e.matches('textarea')) faults.push(`${named(e)} is ${e.scrollHeight} high in ${e.clientHeight}`);
    }
    for (const node of ownText(e)) {
      const range = document.createRange();
      range.selectNodeContents(node);
      const r = range.getBoundingClientRect();
      if (r.width && (r.right > innerWidth + 1 || r.left < -1)) faults.push(`${named(e)} runs out of the page`);
    }
  }
  return [...wide, ...faults].slice(0, 6); }"""
)

BEHIND = (
    """() => { """
    + NAMED
    + """
  // Focus each thing in turn, as Tab does, and see whether a bar covers it.
  const bars = [...document.querySelectorAll('.top, .nav, .dock')].filter((b) => !b.closest('[inert]') && ['sticky', 'fixed'].includes(getComputedStyle(b).position));
  const faults = [];
  for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
    if (!e.checkVisibility() || e.closest('[inert]') || e.matches('.skip-link, .hidden, [tabindex="-1"]')) continue;
    e.focus();
    const drawn = e.matches('.scale input, .chips input, .option input') ? e.parentElement : e;
    const box = drawn.getBoundingClientRect();
    // Of a large text field the browser brings the line with the cursor into sight.
    const r = e.matches('textarea') ? new DOMRect(box.x, box.y, box.width, 40) : box;
    if (r.top < -1 && r.height > innerHeight) continue;
    if (r.bottom < 1 || r.top > innerHeight - 1) faults.push(`${named(e)} is out of sight`);
    for (const bar of bars) {
      if (bar.contains(e)) continue;
      const b = bar.getBoundingClientRect();
      const over = Math.min(r.bottom, b.bottom) - Math.max(r.top, b.top);
      if (over > 1) faults.push(`${named(e)} is ${Math.round(over)} behind .${bar.className}`);
    }
  }
  return faults.slice(0, 6); }"""
)

MOVES = (
    """() => { """
    + NAMED
    + """
  return [...document.querySelectorAll('*')].filter((e) => ['', '::before', '::after'].some((part) => {
    const s = getComputedStyle(e, part || null);
    return s.animationName !== 'none' || s.transitionDuration.split(',').some((d) => parseFloat(d) > 0);
  })).map(named).slice(0, 3); }"""
)

BROKEN = (
    """() => { """
    + NAMED
    + """
  // A word that goes over two lines on something to tap or a heading.
  const faults = [];
  for (const e of document.querySelectorAll('button, .button, label, legend, summary, nav a, .tag, h1, h2, h3')) {
    if (!e.checkVisibility() || e.closest('.hidden, .framed')) continue;
    const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      for (const word of node.data.matchAll(/[\\p{L}’]{2,18}/gu)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((r) => Math.round(r.top)));
        if (lines.size > 1) faults.push(`${named(e)} breaks ${word[0]}`);
      }
    }
  }
  return faults.slice(0, 6); }"""
)
