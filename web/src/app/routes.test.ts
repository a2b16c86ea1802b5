import { describe, expect, it } from 'vitest';
import { goLivePath, parseRoomQuery, parseRoute, publishes, roomPath, watchPath } from './routes';

describe('parseRoute', () => {
  it('knows the home page and the three kinds of room', () => {
    expect(parseRoute('/')).toEqual({ page: 'home' });
    expect(parseRoute('/call/demo')).toEqual({ page: 'room', kind: 'call', room: 'demo' });
    expect(parseRoute('/voice/demo/')).toEqual({ page: 'room', kind: 'voice', room: 'demo' });
  });

  it('leaves everything below /guarantee to its pages', () => {
    expect(parseRoute('/guarantee')).toEqual({ page: 'guarantee' });
    expect(parseRoute('/guarantee/c/acme/tickets/3')).toEqual({ page: 'guarantee' });
  });

  it('knows where encoders are set up and where rooms are watched', () => {
    expect(parseRoute('/golive')).toEqual({ page: 'golive' });
    expect(parseRoute(goLivePath('发布会 1/2'))).toEqual({ page: 'golive', room: '发布会 1/2' });
    expect(parseRoute(watchPath('demo'))).toEqual({ page: 'watch', room: 'demo' });
    expect(parseRoute('/watch').page).toBe('missing');
  });

  it('decodes room names and reverses roomPath', () => {
    const path = roomPath('show', '发布会 1/2');
    expect(parseRoute(path)).toEqual({ page: 'room', kind: 'show', room: '发布会 1/2' });
  });

  it('answers "missing" for everything else', () => {
    expect(parseRoute('/nope').page).toBe('missing');
    expect(parseRoute('/call').page).toBe('missing');
    expect(parseRoute('/call/%E0%A4%A').page).toBe('missing');
    expect(parseRoute(`/call/${'x'.repeat(129)}`).page).toBe('missing');
  });
});

describe('parseRoomQuery', () => {
  it('takes only roles of the room kind', () => {
    expect(parseRoomQuery('show', '?role=cohost', '').role).toBe('cohost');
    expect(parseRoomQuery('call', '?role=host', '').role).toBeUndefined();
  });

  it('prefers the token of the fragment', () => {
    expect(parseRoomQuery('call', '?token=a', '#token=b').token).toBe('b');
    expect(parseRoomQuery('call', '?token=a', '').token).toBe('a');
  });

  it('reads the testing hooks', () => {
    const query = parseRoomQuery('call', '?autojoin=1&name=Alice&pc=2&video=0', '');
    expect(query).toMatchObject({ autojoin: true, name: 'Alice', singlePeerConnection: false });
    expect(query.video).toBe(false);
    expect(query.audio).toBe(true);
    expect(parseRoomQuery('call', '', '').singlePeerConnection).toBe(true);
  });
});

describe('publishes', () => {
  it('is false for those who only watch or listen', () => {
    expect(publishes('audience')).toBe(false);
    expect(publishes('listener')).toBe(false);
    expect(publishes('host')).toBe(true);
  });
});
