//! Seeded draws. Nothing here depends on the machine: integers for the stream,
//! `libm` for the functions.

/// SplitMix64 (Steele, Lea and Flood, 2014): one addition and a finaliser per
/// draw. Kept here so that a library's next version cannot change old results.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, but not including, `n`; `n` is at least 1. The high half of
    /// the product: off by less than n / 2⁶⁴.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        let product = u128::from(self.next_u64()) * u128::from(n.max(1));
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// Above 0 and below 1: 53 bits and a half.
    pub(crate) fn open(&mut self) -> f64 {
        // 53 bits are exact in a float.
        #[allow(clippy::cast_precision_loss)]
        let bits = (self.next_u64() >> 11) as f64;
        (bits + 0.5) / 9_007_199_254_740_992.0
    }

    /// Standard normal, by Box and Muller: always two draws.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.open()));
        radius * libm::cos(core::f64::consts::TAU * self.open())
    }

    /// How many events come where `mean` are expected; `mean` is at most 100,
    /// so that its exponential is far from the smallest float.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let floor = libm::exp(-mean);
        let mut product = self.open();
        let mut count = 0;
        while product > floor {
            count += 1;
            product *= self.open();
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        let mut rng = Rng::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn counts_have_the_mean_and_spread_of_poisson() {
        let mut rng = Rng::new(3);
        let n = 40_000;
        let draws: Vec<f64> = (0..n).map(|_| f64::from(rng.poisson(2.5))).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let square = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(n);
        assert!((mean - 2.5).abs() < 0.04, "{mean}");
        assert!((square - 2.5).abs() < 0.1, "{square}");
    }
}
