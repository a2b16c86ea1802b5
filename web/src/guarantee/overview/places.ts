/**
 * Where regions are. Contracts name them freely: this knows the names that cloud providers
 * and people use most, and what begins with one of them. What is not here is listed beside
 * the map. Pure.
 */

type Place = readonly [latitude: number, longitude: number];

const PLACES: Record<string, Place> = {
  // Continents and countries.
  eu: [50, 9], europe: [50, 9], emea: [48, 14], us: [39, -97], usa: [39, -97], na: [43, -98],
  'north-america': [43, -98], sa: [-15, -56], latam: [-10, -62], 'south-america': [-15, -56], africa: [2, 20], af: [2, 20],
  asia: [30, 95], apac: [12, 110], ap: [12, 110], me: [25, 48], 'middle-east': [25, 48], oceania: [-26, 135],
  de: [51, 10], germany: [51, 10], uk: [52, -1], gb: [52, -1], france: [47, 2], nl: [52, 5], ie: [53, -8], se: [60, 16],
  pl: [52, 19], es: [40, -4], it: [43, 12], ch: [47, 8], ca: [55, -106], canada: [55, -106], mx: [23, -102],
  br: [-12, -52], brazil: [-12, -52], in: [21, 78], india: [21, 78], cn: [33, 107], china: [33, 107], jp: [36, 138],
  japan: [36, 138], kr: [36.5, 128], korea: [36.5, 128], sg: [1.3, 103.8], singapore: [1.3, 103.8], hk: [22.3, 114.2],
  tw: [23.7, 121], id: [-6, 107], th: [14, 101], vn: [16, 107], au: [-26, 135], australia: [-26, 135],
  nz: [-41, 174], za: [-29, 25], ke: [0, 38], ng: [9, 8], eg: [27, 30], tr: [39, 35], ae: [24, 54],
  // Parts of them, as cloud providers number them.
  'eu-west': [51, -1], 'eu-central': [50.1, 8.7], 'eu-north': [59.3, 18], 'eu-south': [42, 12.5], 'eu-east': [50, 22],
  'europe-west': [51, 3], 'europe-central': [52, 20], 'europe-north': [60.5, 27],
  'us-east': [38.9, -77.4], 'us-west': [40, -121], 'us-central': [41.2, -95.9], 'us-south': [31, -97],
  'ca-central': [45.5, -73.6], 'ca-west': [51, -114], 'sa-east': [-23.5, -46.6],
  'ap-southeast': [1.3, 103.8], 'ap-southeast-2': [-33.9, 151.2], 'ap-southeast-3': [-6.2, 106.8],
  'ap-northeast': [35.7, 139.7], 'ap-northeast-2': [37.6, 127], 'ap-south': [19, 72.9], 'ap-east': [22.3, 114.2],
  'asia-east': [24, 121], 'asia-northeast': [35.7, 139.7], 'asia-south': [19, 72.9], 'asia-southeast': [1.3, 103.8],
  'cn-north': [39.9, 116.4], 'cn-northwest': [37.5, 105.2], 'cn-east': [31.2, 121.5], 'cn-south': [23.1, 113.3],
  'cn-central': [30.6, 114.3], 'cn-southwest': [30.6, 104.1], 'cn-west': [30.6, 104.1],
  'me-south': [26, 50.6], 'me-central': [24.5, 54.4], 'af-south': [-33.9, 18.4],
  // Cities, also by their airports.
  frankfurt: [50.1, 8.7], fra: [50.1, 8.7], berlin: [52.5, 13.4], ber: [52.5, 13.4], london: [51.5, -0.1],
  lon: [51.5, -0.1], lhr: [51.5, -0.1], paris: [48.9, 2.4], par: [48.9, 2.4], cdg: [48.9, 2.4], amsterdam: [52.4, 4.9],
  ams: [52.4, 4.9], dublin: [53.3, -6.3], dub: [53.3, -6.3], stockholm: [59.3, 18], madrid: [40.4, -3.7],
  milan: [45.5, 9.2], zurich: [47.4, 8.5], warsaw: [52.2, 21], helsinki: [60.2, 24.9], nyc: [40.7, -74],
  'new-york': [40.7, -74], ashburn: [39, -77.5], iad: [39, -77.5], virginia: [38.9, -77.4], chicago: [41.9, -87.6],
  ord: [41.9, -87.6], dallas: [32.8, -96.8], dfw: [32.8, -96.8], oregon: [45.8, -119.7], seattle: [47.6, -122.3],
  sfo: [37.8, -122.4], sjc: [37.3, -121.9], lax: [34.1, -118.2], miami: [25.8, -80.2], toronto: [43.7, -79.4],
  montreal: [45.5, -73.6], 'sao-paulo': [-23.5, -46.6], gru: [-23.5, -46.6], tokyo: [35.7, 139.7], nrt: [35.7, 139.7],
  osaka: [34.7, 135.5], seoul: [37.6, 127], icn: [37.6, 127], sin: [1.3, 103.8], 'hong-kong': [22.3, 114.2],
  hongkong: [22.3, 114.2], hkg: [22.3, 114.2], taipei: [25, 121.5], beijing: [39.9, 116.4], pek: [39.9, 116.4],
  shanghai: [31.2, 121.5], sha: [31.2, 121.5], pvg: [31.2, 121.5], shenzhen: [22.5, 114.1], guangzhou: [23.1, 113.3],
  hangzhou: [30.3, 120.2], chengdu: [30.6, 104.1], mumbai: [19, 72.9], bom: [19, 72.9], delhi: [28.6, 77.2],
  jakarta: [-6.2, 106.8], sydney: [-33.9, 151.2], syd: [-33.9, 151.2], melbourne: [-37.8, 145], dubai: [25.2, 55.3],
  bahrain: [26, 50.6], johannesburg: [-26.2, 28], 'cape-town': [-33.9, 18.4], lagos: [6.5, 3.4], nairobi: [-1.3, 36.8],
};

/** "eu-central-1a" → that of "eu-central"; undefined where nobody knows. */
export function placeOf(region: string): Place | undefined {
  let name = region.toLowerCase().replaceAll(/[_. ]/g, '-').replace(/([a-z])(\d+[a-z]?)$/, '$1-$2');
  for (;;) {
    const place = Object.hasOwn(PLACES, name) ? PLACES[name] : undefined;
    if (place) return place;
    const cut = name.lastIndexOf('-');
    if (cut <= 0) return undefined;
    name = name.slice(0, cut);
  }
}
