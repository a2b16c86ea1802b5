/** Names for new rooms that can be read out loud. Not secret: access is by token. */

const FIRST = ['amber', 'bright', 'calm', 'clear', 'coral', 'early', 'gentle', 'green', 'quiet', 'silver', 'sunny', 'warm'];
const SECOND = ['bay', 'bridge', 'brook', 'cloud', 'field', 'forest', 'garden', 'harbor', 'hill', 'lake', 'meadow', 'river'];

export function suggestRoomName(random: () => number = Math.random): string {
  const pick = (words: string[]) => words[Math.floor(random() * words.length)];
  return `${pick(FIRST)}-${pick(SECOND)}-${100 + Math.floor(random() * 900)}`;
}
