/** What one check found, and what to do about it when it is not well. */
export interface Finding {
  /** Stable name of the check. */
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
  /** One line: what to do. Always there unless the status is ok. */
  readonly fix?: string;
}

/** All is well. */
export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message };
}

/** It works, less well than it could. */
export function warning(check: string, message: string, fix: string): Finding {
  return { check, status: 'warning', message, fix };
}

/** It does not work. */
export function problem(check: string, message: string, fix: string): Finding {
  return { check, status: 'problem', message, fix };
}
