export default function WatchPage({ room }: { room: string }) { return <p>{room}</p>; }
