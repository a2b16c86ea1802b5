import { describe, expect, it } from 'vitest';
import { placeOf } from './places';
import { landPath, onMap } from './world';

describe('placeOf', () => {
  it('knows clouds’ names by their beginning, and cities', () => {
    expect(placeOf('eu-central-1a')).toEqual(placeOf('eu-central'));
    expect(placeOf('europe-west4')).toEqual(placeOf('europe-west'));
    expect(placeOf('fra1')).toEqual(placeOf('frankfurt'));
    expect(placeOf('CN_EAST')).toEqual(placeOf('cn-east'));
    expect(placeOf('ap-southeast-2')).not.toEqual(placeOf('ap-southeast-1'));
  });

  it('does not guess', () => {
    for (const name of ['default', 'edge-lab', 'constructor', '', '-']) expect(placeOf(name), name).toBeUndefined();
  });
});

describe('the map', () => {
  it('puts places where they are', () => {
    expect(onMap(78, -180)).toEqual({ x: 1, y: 1 });
    expect(onMap(10.5, 0)).toEqual({ x: 50, y: 50 });
  });

  it('has land', () => expect(landPath().split('M').length).toBeGreaterThan(1000));
});
