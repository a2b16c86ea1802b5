//! How loud is a track? From the audio level extension (RFC 6464).

/// Mean power of the packets since the last reading.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Loudness {
    power: f32,
    packets: u32,
}

impl Loudness {
    /// `level` in dBov: 0 is full scale, -127 is silence.
    pub(crate) fn add(&mut self, level: i8) {
        if level > -127 {
            self.power += 10f32.powf(f32::from(level.min(0)) / 10.0);
        }
        self.packets += 1;
    }

    /// Amplitude, 0 to 1, and starts anew.
    pub(crate) fn take(&mut self) -> f32 {
        let (power, packets) = (self.power, self.packets);
        *self = Self::default();
        if packets == 0 {
            return 0.0;
        }
        #[allow(clippy::cast_precision_loss, reason = "a handful of packets")]
        let mean = power / packets as f32;
        mean.sqrt().min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amplitude_of_levels() {
        let mut l = Loudness::default();
        assert!(l.take() < f32::EPSILON);
        (0..10).for_each(|_| l.add(-20));
        assert!((l.take() - 0.1).abs() < 0.001);
        l.add(-127);
        assert!(l.take() < f32::EPSILON);
    }
}
