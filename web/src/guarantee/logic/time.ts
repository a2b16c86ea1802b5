import type { Language } from '../../i18n/translate';
import type { Clock } from '../api';

/** Times, clocks and budgets in words. Pure: `now` is always given. */

const UNITS: Record<Language, [string, string, string, string]> = {
  en: [' d', ' h', ' min', ' s'],
  zh: [' 天', ' 小时', ' 分', ' 秒'],
};

/** The two largest units that say something: "23 min 10 s", "2 d 4 h", "0 s". */
export function span(seconds: number, language: Language): string {
  const whole = Math.floor(Math.abs(seconds));
  const parts = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const first = parts.findIndex((part) => part > 0);
  if (first < 0) return `0${UNITS[language][3]}`;
  return parts
    .slice(first, first + 2)
    .map((part, at) => (part > 0 ? `${part}${UNITS[language][first + at]}` : ''))
    .filter(Boolean)
    .join(' ');
}

/** 65 → 1:05, 3725 → 1:02:05, 90061 → 1 d 1:01:01; what is past carries a minus. */
export function countdown(seconds: number, language: Language): string {
  const whole = Math.floor(Math.abs(seconds));
  const [days, h, m, s] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  const time = days > 0 || h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  return `${seconds < 0 && whole > 0 ? '−' : ''}${days > 0 ? `${days}${UNITS[language][0]} ` : ''}${time}`;
}

export type ClockState = 'running' | 'late' | 'paused' | 'kept' | 'missed';

export interface ClockFace {
  state: ClockState;
  /** Seconds until it is due, negative behind it; undefined while that is open. */
  left?: number;
  /** Used share of the target, 0 to 1. */
  used: number;
}

export function readClock(clock: Clock, nowMs: number): ClockFace {
  const due = ms(clock.due);
  const stopped = ms(clock.stopped);
  const started = ms(clock.started) ?? nowMs;
  if (stopped !== undefined) {
    const missed = clock.missed || (due !== undefined && stopped > due);
    return { state: missed ? 'missed' : 'kept', left: due === undefined ? undefined : (due - stopped) / 1000, used: used(started, due, stopped) };
  }
  if (clock.paused) return { state: 'paused', used: used(started, due, nowMs) };
  const left = due === undefined ? undefined : (due - nowMs) / 1000;
  return { state: left !== undefined && left < 0 ? 'late' : 'running', left, used: used(started, due, nowMs) };
}

function used(started: number, due: number | undefined, at: number): number {
  if (due === undefined || due <= started) return due === undefined ? 0 : 1;
  return Math.min(1, Math.max(0, (at - started) / (due - started)));
}

/** Milliseconds of an instant in RFC 3339. */
export function ms(instant: string | null | undefined): number | undefined {
  const value = instant ? Date.parse(instant) : NaN;
  return Number.isNaN(value) ? undefined : value;
}

/** When a clock of these needs somebody next: what is late comes first, what waits last. */
export function nextDue(clocks: readonly Clock[], nowMs: number): number {
  const dues = clocks
    .map((clock) => ({ clock, face: readClock(clock, nowMs) }))
    .filter(({ face }) => face.state === 'running' || face.state === 'late')
    .map(({ clock }) => ms(clock.due))
    .filter((due) => due !== undefined);
  return dues.length > 0 ? Math.min(...dues) : Infinity;
}

/** What needs somebody next comes first; the same order for equals, by number. */
export function byNextClock<T extends { id: number; clocks: Clock[] }>(items: readonly T[], nowMs: number): T[] {
  const keyed = items.map((item) => ({ item, due: nextDue(item.clocks, nowMs) }));
  keyed.sort((a, b) => (a.due === b.due ? a.item.id - b.item.id : a.due < b.due ? -1 : 1));
  return keyed.map(({ item }) => item);
}

export interface Budget {
  /** 0 to 1 of the bar that is still full. */
  left: number;
  state: 'good' | 'low' | 'spent' | 'none';
}

/** Less than this part of a budget is low. */
const LOW = 0.25;

export function budget(totalS: number | null, leftS: number | null): Budget {
  if (totalS === null || leftS === null || totalS <= 0) return { left: 0, state: 'none' };
  const left = Math.min(1, Math.max(0, leftS / totalS));
  return { left, state: leftS <= 0 ? 'spent' : left < LOW ? 'low' : 'good' };
}

const LOCALES: Record<Language, string> = { en: 'en-GB', zh: 'zh-CN' };

export function dateTime(instant: string | null | undefined, language: Language): string {
  const at = ms(instant);
  if (at === undefined) return '–';
  return new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

/** The time alone where the day is today's. */
export function when(instant: string | null | undefined, nowMs: number, language: Language): string {
  const at = ms(instant);
  const today = at !== undefined && new Date(at).toDateString() === new Date(nowMs).toDateString();
  return today && instant ? clockTime(instant, language) : dateTime(instant, language);
}

/** From one instant to another; of one day the date is said once. */
export function range(start: string, end: string, language: Language): string {
  const [from, to] = [ms(start), ms(end)];
  if (from === undefined || to === undefined) return '–';
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${dateTime(start, language)} – ${sameDay ? clockTime(end, language) : dateTime(end, language)}`;
}

export function clockTime(instant: string, language: Language): string {
  return new Intl.DateTimeFormat(LOCALES[language], { hour: '2-digit', minute: '2-digit' }).format(ms(instant) ?? 0);
}

/** A day without a time, such as "2026-11-03". */
export function day(date: string, language: Language, style: 'short' | 'long' = 'short'): string {
  const at = Date.parse(`${date.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(at)) return date;
  const format: Intl.DateTimeFormatOptions =
    style === 'long' ? { dateStyle: 'medium', timeZone: 'UTC' } : { month: 'short', day: 'numeric', timeZone: 'UTC' };
  return new Intl.DateTimeFormat(LOCALES[language], format).format(at);
}

/** The day before "first day after it", as people write the end of a period. */
export function lastDay(end: string, language: Language): string {
  const at = Date.parse(`${end.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(at) ? end : day(new Date(at - 86_400_000).toISOString(), language, 'long');
}
