// Attention control in JavaScript: Eqs. 6 to 9 as losses/attention_control.py and release/departures.py have them.
// Pure functions: no page, no drawing. A map is an array of N numbers, row by row of a grid of side x side patches;
// maps, claims and their like are arrays of K maps, one for each part of an object.

/** What a reading makes of Eqs. 6 to 9; the release's choices are those of `Reading` in reading.py. */
export const READINGS = {
  paper: {
    sigma: 0.5,
    exceeds: false,
    withinObject: false,
    perPart: true,
    peakSmoothed: false,
    peakAnywhere: false,
  },
  released: {
    sigma: 0.5 * Math.SQRT2,
    exceeds: true,
    withinObject: true,
    perPart: false,
    peakSmoothed: true,
    peakAnywhere: true,
  },
};

const sum = values => values.reduce((total, value) => total + value, 0);
const zeros = length => new Float64Array(length);

/** Eq. 6 from tables written down: the mean over a part's patches of (A_object + A_part); [K][N].
 * `own[k]` marks the part's patches, `tables[k]` and `object` are rows of attention, one for each query.
 * The release takes half of the sum, and divides it by all places of the grid. */
export function objectPartMaps(tables, object, own, reading = "paper") {
  return tables.map((table, k) => {
    const map = zeros(object.length);
    own[k].forEach((inside, query) => {
      if (inside) for (const n of map.keys()) map[n] += object[query][n] + table[query][n];
    });
    const over = reading === "released" ? 2 * map.length : Math.max(1, sum(own[k]));
    return map.map(value => value / over);
  });
}

/** A map stretched to 0..1. */
export function stretch(map) {
  const low = Math.min(...map);
  const range = Math.max(...map) - low + 1e-9;
  return map.map(value => (value - low) / range);
}

function kernel(sigma) {
  const side = Math.exp(-0.5 / sigma ** 2);
  return [side / (1 + 2 * side), 1 / (1 + 2 * side)]; // a neighbour's weight, and the cell's own
}

/** The places that a place of a line takes its value from, reflected at the border. */
const neighbours = (i, side) => [i === 0 ? 1 : i - 1, i === side - 1 ? side - 2 : i + 1];

/** One pass of the Gaussian along rows (step 1) or columns (step `side`); backwards, its transpose. */
function pass(map, side, step, sigma, backwards = false) {
  const [beside, here] = kernel(sigma);
  const result = zeros(map.length);
  for (let line = 0; line < side; line++) {
    const start = step === 1 ? line * side : line;
    for (let i = 0; i < side; i++) {
      const at = start + i * step;
      result[at] += here * map[at];
      for (const j of neighbours(i, side)) {
        const other = start + j * step;
        if (backwards) result[other] += beside * map[at];
        else result[at] += beside * map[other];
      }
    }
  }
  return result;
}

/** A map after a Gaussian over 3 x 3 places, reflected at the border. */
export function smooth(map, side, sigma = 0.5) {
  return pass(pass(map, side, 1, sigma), side, side, sigma);
}

/** A^norm of Eq. 7: stretched, then smoothed. */
export function normalise(map, side, reading = "paper") {
  return smooth(stretch(map), side, READINGS[reading].sigma);
}

/** Eq. 7: what each part claims, 0 or 1; or, with a temperature, how much, from 0 to 1. */
export function claims(normalised, gamma, { reading = "paper", tau = null, within = null } = {}) {
  const { exceeds, withinObject } = READINGS[reading];
  const claim =
    tau === null
      ? value => Number(exceeds ? value > gamma : value >= gamma)
      : value => 1 / (1 + Math.exp((gamma - value) / tau));
  return normalised.map(map => map.map((value, n) => (withinObject && within && !within[n] ? 0 : claim(value))));
}

/** For each place the chance that no part claims it, and that exactly one does: certainties for claims of 0 and 1. */
export function chances(claimed) {
  const places = claimed[0].length;
  const none = zeros(places).fill(1);
  const ratio = zeros(places);
  for (const map of claimed) {
    map.forEach((claim, n) => {
      const free = Math.max(1 - claim, 1e-6);
      none[n] *= free;
      ratio[n] += claim / free;
    });
  }
  return { none, one: none.map((chance, n) => chance * ratio[n]) };
}

/** Overlap: of the claimed places, those that several parts claim (the ratio of Eq. 8).
 * Missing: of the object's and the claimed places together, those of the object that no part claims.
 * Soft claims are counted as expected places. With the places themselves: `any` part's, `many` parts', `absent`. */
export function shares(claimed, onObject, soft = false) {
  if (soft) {
    const { none, one } = chances(claimed);
    const any = sum(none.map(chance => 1 - chance));
    const many = sum(none.map((chance, n) => Math.max(0, 1 - chance - one[n])));
    const missing = sum(none.map((chance, n) => chance * onObject[n]));
    return {
      ...{ any, many, absent: missing },
      overlap: many / Math.max(any, 1e-6),
      missing: missing / Math.max(any + missing, 1e-6),
    };
  }
  let [any, many, missing] = [0, 0, 0];
  for (let n = 0; n < onObject.length; n++) {
    const count = sum(claimed.map(map => map[n]));
    any += Number(count >= 1);
    many += Number(count > 1);
    missing += Number(count < 1 && onObject[n] > 0);
  }
  return {
    ...{ any, many, absent: missing },
    overlap: many / Math.max(any, 1),
    missing: missing / Math.max(any + missing, 1),
  };
}

/** Eq. 8: the overlap over the number of parts; the release does not divide. */
export function separation(overlap, parts, reading = "paper") {
  return READINGS[reading].perPart ? overlap / parts : overlap;
}

/** The inner maximum of Eq. 9: each map's peak inside the part's own mask; the release smooths first, and looks anywhere. */
export function peaks(maps, own, side, reading = "paper") {
  const { peakSmoothed, peakAnywhere, sigma } = READINGS[reading];
  return maps.map((map, k) => {
    const read = peakSmoothed ? smooth(map, side, sigma) : map;
    return Math.max(...read.map((value, n) => (peakAnywhere || own[k][n] ? value : 0)));
  });
}

/** Everything that the laboratory tells of the parts of one object at one threshold.
 * `scene`: { side, own, onObject, within }; `maps` of Eq. 6; `normalised` of Eq. 7, made here if not given. */
export function look(scene, maps, gamma, tau, reading = "paper", normalised = null) {
  const { side, own, onObject, within } = scene;
  const norm = normalised ?? maps.map(map => normalise(map, side, reading));
  const hard = claims(norm, gamma, { reading, within });
  const soft = claims(norm, gamma, { reading, within, tau });
  const counted = shares(hard, onObject);
  const expected = shares(soft, onObject, true);
  const peak = peaks(maps, own, side, reading);
  return {
    normalised: norm,
    hard,
    soft,
    counted,
    expected,
    printed: separation(counted.overlap, maps.length, reading),
    smoothed: separation(expected.overlap, maps.length, reading),
    peaks: peak,
    enhancement: 1 - Math.min(...peak),
    weakest: peak.indexOf(Math.min(...peak)),
  };
}

/** The derivative of `stretch`, backwards: from that of the stretched map to that of the map. */
function stretchBack(map, slope) {
  const low = Math.min(...map);
  const high = Math.max(...map);
  const range = high - low + 1e-9;
  const result = slope.map(value => value / range);
  const ends = { low: 0, high: 0 };
  map.forEach((value, n) => {
    const stretched = (value - low) / range;
    ends.high -= (slope[n] * stretched) / range;
    ends.low += (slope[n] * (stretched - 1)) / range;
  });
  const at = end => map.reduce((count, value) => count + Number(value === end), 0);
  const [lows, highs] = [at(low), at(high)];
  return result.map(
    (value, n) => value + (map[n] === low ? ends.low / lows : 0) + (map[n] === high ? ends.high / highs : 0),
  );
}

/** The derivative of the soft separation loss by every value of the maps of Eq. 6, [K][N].
 * The printed loss has none: it counts. */
export function softGradient(scene, maps, gamma, tau, reading = "paper") {
  const { side, within } = scene;
  const { sigma } = READINGS[reading];
  const normalised = maps.map(map => normalise(map, side, reading));
  const soft = claims(normalised, gamma, { reading, within, tau });
  const { none, one } = chances(soft);
  const any = Math.max(sum(none.map(chance => 1 - chance)), 1e-6);
  const many = sum(none.map((chance, n) => Math.max(0, 1 - chance - one[n])));
  const weight = separation(1, maps.length, reading);
  return maps.map((map, k) => {
    const slope = soft[k].map((claim, n) => {
      const free = Math.max(1 - claim, 1e-6);
      const moves = Number(1 - claim > 1e-6);
      const noneBy = (-none[n] / free) * moves;
      const oneBy = (noneBy * one[n]) / none[n] + none[n] * (1 / free + (moves * claim) / free ** 2);
      const manyBy = 1 - none[n] - one[n] > 0 ? -noneBy - oneBy : 0;
      const byClaim = weight * (manyBy / any + (many * noneBy) / any ** 2);
      return (byClaim * claim * (1 - claim)) / tau;
    });
    const blurred = pass(pass(slope, side, side, sigma, true), side, 1, sigma, true);
    return stretchBack(map, blurred);
  });
}
