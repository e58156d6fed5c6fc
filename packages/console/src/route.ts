/** What the page shows; all of it is in the URL's fragment, which never leaves the browser. */
export type Route =
  | { readonly page: 'live' }
  | {
      readonly page: 'lab';
      readonly scenario: string;
      readonly level?: string;
      readonly seed?: number;
      /** Virtual ms at which the cursor stands. */
      readonly at?: number;
      /** A plan that is not the scenario's own any more, as JSON. */
      readonly plan?: string;
      /** A second run to show beside it: level, seed and plan, as JSON. */
      readonly beside?: string;
    };

const planMax = 16_384;

/** Reads a fragment of anybody's. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const match = /^\/lab(?:\/([\w-]{1,64}))?$/.exec(path);
  if (match === null) return { page: 'live' };
  const params = new URLSearchParams(query);
  const level = params.get('level');
  const seed = wholeOf(params.get('seed'), 0xffff_ffff);
  const at = numberOf(params.get('t'));
  const plan = params.get('plan');
  const beside = params.get('beside');
  return {
    page: 'lab',
    scenario: match[1] ?? '',
    ...(level !== null && /^[\w-]{1,32}$/.test(level) && { level }),
    ...(seed !== undefined && { seed }),
    ...(at !== undefined && { at }),
    ...(plan !== null && plan.length <= planMax && { plan }),
    ...(beside !== null && beside.length <= planMax && { beside }),
  };
}

/** The fragment of a route, `#` included. */
export function formatRoute(route: Route): string {
  if (route.page === 'live') return '#/';
  const { scenario, level, seed, at, plan, beside } = route;
  const params = new URLSearchParams();
  if (level !== undefined) params.set('level', level);
  if (seed !== undefined) params.set('seed', String(seed));
  if (at !== undefined) params.set('t', String(Math.round(at * 10) / 10));
  if (plan !== undefined) params.set('plan', plan);
  if (beside !== undefined) params.set('beside', beside);
  const query = params.toString();
  return `#/lab${scenario === '' ? '' : `/${scenario}`}${query === '' ? '' : `?${query}`}`;
}

/** Takes a token out of a fragment, `#token=…&/` or `#/?token=…`: the rest, and the token. */
export function takeToken(hash: string): { readonly hash: string; readonly token: string | undefined } {
  const match = /[#?&]token=([\u0021-\u0025\u0027-\u007E]{1,1024})/.exec(hash);
  if (match === null) return { hash, token: undefined };
  const rest = hash.replace(match[0], match[0].startsWith('#') ? '#' : '').replace(/^#&/, '#');
  return { hash: rest.length < 2 ? '#/' : rest, token: decoded(match[1] as string) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function numberOf(text: string | null): number | undefined {
  const value = text === null || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

function wholeOf(text: string | null, max: number): number | undefined {
  const value = numberOf(text);
  return value !== undefined && Number.isInteger(value) && value <= max ? value : undefined;
}
