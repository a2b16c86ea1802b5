/**
 * The world's land as a raster of 3° cells, from 78° N to 57° S, one bit a cell from 180° W
 * eastwards: enough to find a region by eye, in less than two kilobytes. Made from the
 * public-domain coastline of Natural Earth (1:110 m).
 */
const ROWS = [
  '00000c27c7fff80000000007c00000',
  '00001ebb807ff800000201fff61000',
  '03c017fff83ff0000e003fffffff80',
  '7fffffffffffffff80700800000000',
  '37ffffffbe3e0e01fffffffffffffe',
  '07fffff8300c0003dffffffffffffc',
  '0183fff83e000023cfffffffffe040',
  '0000ffff3f0000219fffffffffc0c0',
  '00007fffbf800077ffffffffffe080',
  '00003fffff40003ffffffffffff000',
  '00001fffff00001fffffffffffc000',
  '00001ffff800007ffc77ffffff9000',
  '00001ffff00000707ffbfffffe0000',
  '00001fffe000007017fbfffff22000',
  '00000fffc000003f00fffffff2c000',
  '000007ff8000007fdbfffffff80000',
  '000003f0800000fffff7fffff80000',
  '000002f0000001fffff9fffff00000',
  '00000060000003ffff7f1fffc00000',
  '00000076080001fffffe0f9e800000',
  '0000001e000003ffffbc0e0f080000',
  '00000003000003fffff00607000000',
  '000000011e0001fffff80601000000',
  '000000003f0000fffff80004040000',
  '000000003fe00043fff0000c300000',
  '000000003fe00001ffe00006e00000',
  '000000007ff80001ffc00006e80000',
  '000000007fff0000ff800002007000',
  '000000007fff0000ff800001003800',
  '000000003fff0000ff800000000000',
  '000000003ffe0000ffc8000001d000',
  '000000001ffe0000fff800000ff800',
  '0000000007fe0000ff1000000ff800',
  '0000000007fc00007f3000003ffc00',
  '000000000ff000007e0000003ffe00',
  '000000000ff000007e0000003ffe00',
  '000000000fe000003c0000003ffe00',
  '000000000fc0000020000000103c00',
  '000000001f80000000000000001c02',
  '000000001e00000000000000000002',
  '000000001e0000000000000000000c',
  '000000001c00000000000000000008',
  '000000001800000000000000000000',
  '000000001800000000000000000000',
  '000000000400000000000000000000',
];

export const COLUMNS = 120;
export const LINES = ROWS.length;
const CELL = 3;
const NORTH = 78;

/** One dot a cell, as the path of round-capped lines of no length. */
export function landPath(): string {
  const dots = ROWS.flatMap((row, y) =>
    [...row].flatMap((digit, at) =>
      [0, 1, 2, 3].filter((bit) => parseInt(digit, 16) & (8 >> bit)).map((bit) => `M${at * 4 + bit + 0.5} ${y + 0.5}h0`),
    ),
  );
  return dots.join('');
}

/** Where a place is on the map, in percent of its width and height. */
export function onMap(latitude: number, longitude: number): { x: number; y: number } {
  const x = ((longitude + 180) / CELL / COLUMNS) * 100;
  const y = ((NORTH - latitude) / CELL / LINES) * 100;
  return { x: clamp(x), y: clamp(y) };
}

const clamp = (percent: number) => Math.min(99, Math.max(1, percent));
