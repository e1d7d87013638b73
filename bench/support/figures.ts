import { median } from './statistics.js';

export const CONTENDERS = ['Switchboard', 'pass-through', 'Fastify + pg'] as const;
/** Another revision replaces the references when it is measured. */
export const OTHER = 'other revision';
export type Contender = (typeof CONTENDERS)[number] | typeof OTHER;

/** A target for the figure. */
export interface Aim {
  text: string;
  holds(figure: Figure): boolean;
}

/** One measured quantity: a value for each contender in each round. */
export class Figure {
  readonly label: string;
  readonly unit: string;
  readonly aims: readonly Aim[];
  private readonly rounds = new Map<Contender, number[]>();

  constructor(label: string, unit: string, aims: readonly Aim[] = []) {
    this.label = label;
    this.unit = unit;
    this.aims = aims;
  }

  /** Records the value of a round. Values of all contenders are recorded in the same order. */
  note(contender: Contender, value: number | undefined): void {
    if (value === undefined) return;
    const values = this.rounds.get(contender) ?? [];
    values.push(value);
    this.rounds.set(contender, values);
  }

  /** The median of the rounds, or undefined if it was not measured. */
  value(contender: Contender): number | undefined {
    const values = this.rounds.get(contender);
    return values && median(values);
  }

  /** The worst round, if more is better. */
  least(contender: Contender): number | undefined {
    const values = this.rounds.get(contender);
    return values && Math.min(...values);
  }

  /** The median of Switchboard's value minus the reference's in each round. */
  difference(reference: Contender): number | undefined {
    return this.compare(reference, (own, other) => own - other);
  }

  /** The median of Switchboard's value divided by the reference's in each round. */
  ratio(reference: Contender): number | undefined {
    return this.compare(reference, (own, other) => own / other);
  }

  private compare(reference: Contender, how: (own: number, other: number) => number): number | undefined {
    const own = this.rounds.get('Switchboard') ?? [];
    const others = this.rounds.get(reference) ?? [];
    const compared = own.flatMap((value, round) => {
      const other = others[round];
      return other === undefined ? [] : [how(value, other)];
    });
    return compared.length > 0 ? median(compared) : undefined;
  }
}

export function atMost(limit: number, unit: string): Aim {
  return {
    text: `at most ${limit} ${unit}`,
    holds: (figure) => (figure.value('Switchboard') ?? Infinity) <= limit,
  };
}

export function atLeast(limit: number, unit: string): Aim {
  return {
    text: `at least ${limit} ${unit}`,
    holds: (figure) => (figure.value('Switchboard') ?? -Infinity) >= limit,
  };
}

export function atMostLater(milliseconds: number, reference: Contender): Aim {
  return {
    text: `at most ${milliseconds} ms more than ${reference}`,
    holds: (figure) => (figure.difference(reference) ?? Infinity) <= milliseconds,
  };
}

export function atLeastShare(percent: number, reference: Contender): Aim {
  return {
    text: `at least ${percent}% of ${reference}`,
    holds: (figure) => (figure.ratio(reference) ?? -Infinity) >= percent / 100,
  };
}

export function atMostTimes(times: number, reference: Contender): Aim {
  return {
    text: `at most ${times} times ${reference}`,
    holds: (figure) => (figure.ratio(reference) ?? Infinity) <= times,
  };
}
