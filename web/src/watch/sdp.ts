/** Session descriptions. Pure. */

/** Browsers ask for mono unless told otherwise, and music is in stereo (RFC 7587 section 6.1). */
export function withStereo(sdp: string): string {
  const opus = /^a=rtpmap:(\d+) opus\//im.exec(sdp)?.[1];
  if (!opus) return sdp;
  return sdp.replace(new RegExp(`^(a=fmtp:${opus} )(?!.*stereo=1)`, 'm'), '$1stereo=1;');
}
