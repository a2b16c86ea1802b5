import { describe, expect, it } from 'vitest';
import { parsePublishing, parseRooms } from './rooms';

describe('parseRooms', () => {
  it('reads both spellings of protojson and numbers written as strings', () => {
    const rooms = parseRooms({
      rooms: [
        { sid: 'RM_1', name: 'a', num_participants: 2, num_publishers: 1, creation_time: '1700000000' },
        { sid: 'RM_2', name: 'b', numParticipants: 5, creationTime: 1700000001, metadata: '{"kind":"show"}' },
      ],
    });
    expect(rooms.map((r) => r.name)).toEqual(['b', 'a']);
    expect(rooms[0]).toMatchObject({ participants: 5, publishers: 0, kind: 'show' });
    expect(rooms[1]).toMatchObject({ createdAtS: 1700000000, kind: undefined });
  });

  it('treats a missing list as empty, as protojson omits empty lists', () => {
    expect(parseRooms({})).toEqual([]);
    expect(parseRooms(null)).toEqual([]);
  });

  it('ignores metadata that is not ours', () => {
    expect(parseRooms({ rooms: [{ name: 'a', metadata: 'hello' }] })[0]?.kind).toBeUndefined();
    expect(parseRooms({ rooms: [{ name: 'a', metadata: '{"kind":"x"}' }] })[0]?.kind).toBeUndefined();
  });
});

describe('parsePublishing', () => {
  it('tells who sends what, and leaves out who only watches', () => {
    const participants = [
      { identity: 'viewer' },
      { identity: 'encoder', name: '', tracks: [{ type: 'VIDEO', mimeType: 'video/H264', width: 1280, height: 720 }, { mime_type: 'audio/red' }] },
      { identity: 'bot', tracks: [{ type: 2 }] },
    ];
    const audio = { kind: 'audio', codec: 'OPUS', width: 0, height: 0 };
    const video = { kind: 'video', codec: 'H264', width: 1280, height: 720 };
    expect(parsePublishing({ participants })).toEqual([{ name: 'encoder', tracks: [video, audio] }]);
    expect(parsePublishing(null)).toEqual([]);
  });
});
