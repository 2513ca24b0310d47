import { expect, it } from 'vitest';

import { startBossDesk } from './bossdesk/bossdesk-desk.ts';
import { startGotoDesk } from './gotoassist/gotoassist-desk.ts';
import { startInvgateDesk } from './invgate/invgate-desk.ts';
import { startJitbitDesk } from './jitbit/jitbit-desk.ts';

const desks = {
  jitbit: startJitbitDesk,
  invgate: startInvgateDesk,
  bossdesk: startBossDesk,
  gotoassist: startGotoDesk,
};

it.each(Object.keys(desks) as (keyof typeof desks)[])(
  '%s: random people do the same for the same seed',
  async (name) => {
    const clock = { now: () => Date.parse('2026-11-23T12:00:00Z') };
    const edits = async (seed: number): Promise<string[]> => {
      const desk = await desks[name]({ clock, seed });
      const made = Array.from({ length: 200 }, () => desk.randomEdit());
      await desk.close();
      return made;
    };

    const made = await edits(1);

    expect(new Set(made.map((edit) => edit.split(' ')[0])).size).toBeGreaterThan(4);
    expect(await edits(1)).toEqual(made);
    expect(await edits(2)).not.toEqual(made);
  },
);
