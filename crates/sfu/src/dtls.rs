//! DTLS for peer connections: version and cipher chosen per client.
//!
//! As a DTLS 1.3 server the engine takes the **first** SRTP profile that the
//! client lists. Chromium lists AES-CM with HMAC-SHA1 first, which costs
//! several times as much per packet as AES-GCM. As a DTLS 1.2 server it takes
//! its own favourite, AES-256-GCM. So the version is decided when the
//! ClientHello is there: 1.3 when that yields an AEAD profile (or none is on
//! offer), 1.2 otherwise.

mod client_hello;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, NamedGroup};
use str0m::config::CryptoProvider;
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};

use client_hello::{ClientHelloReader, Verdict};

/// First retransmission of a flight. One second, the engine's default, is what
/// a client pays that ignores the first flight; 150 ms is above most round
/// trips and the interval doubles from there.
const FLIGHT_RTO: Duration = Duration::from_millis(150);

/// With the interval above and doubling, six retries span about ten seconds.
const FLIGHT_RETRIES: usize = 6;

/// X25519 first: P-384 would dominate the cost of a join.
const KEY_GROUPS: [NamedGroup; 2] = [NamedGroup::X25519, NamedGroup::Secp256r1];

/// The crypto stack of every peer connection: aws-lc-rs, with DTLS as above.
#[must_use]
pub fn crypto_provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    static DTLS: PerClientDtls = PerClientDtls;
    Arc::clone(PROVIDER.get_or_init(|| {
        let mut provider = str0m::crypto::from_feature_flags();
        provider.dtls_provider = &DTLS;
        Arc::new(provider)
    }))
}

#[derive(Debug)]
struct PerClientDtls;

impl DtlsProvider for PerClientDtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        dimpl::certificate::generate_self_signed_certificate().ok()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let mut builder = Config::builder()
            // ICE has verified the return path before DTLS starts.
            .use_server_cookie(false)
            .flight_start_rto(FLIGHT_RTO)
            .flight_retries(FLIGHT_RETRIES)
            .kx_groups(&KEY_GROUPS);
        if let Some(mtu) = mtu {
            builder = builder.mtu(mtu);
        }
        let config = builder
            .build()
            .map_err(|e| CryptoError::Other(format!("DTLS configuration: {e}")))?;
        Ok(Box::new(LateDtls {
            make: Make {
                config: Arc::new(config),
                cert: cert.clone(),
                version,
            },
            now,
            state: State::Undecided(ClientHelloReader::default()),
        }))
    }
}

/// What is needed to make an engine once the version is known.
struct Make {
    config: Arc<Config>,
    cert: DtlsCert,
    version: DtlsVersion,
}

impl Make {
    fn engine(&self, verdict: Verdict, active: bool, now: Instant) -> Dtls {
        let (config, cert) = (Arc::clone(&self.config), self.cert.clone());
        let mut engine = match (self.version, verdict) {
            (DtlsVersion::Dtls12, _) | (DtlsVersion::Auto, Verdict::Dtls12) => {
                Dtls::new_12(config, cert, now)
            }
            (DtlsVersion::Dtls13, _) => Dtls::new_13(config, cert, now),
            _ => Dtls::new_auto(config, cert, now),
        };
        engine.set_active(active);
        // The engine takes its random from the first time it is told.
        let _ = engine.handle_timeout(now);
        engine
    }
}

enum State {
    /// Server, before the whole ClientHello has arrived.
    Undecided(ClientHelloReader),
    Running(Box<Dtls>),
}

struct LateDtls {
    make: Make,
    now: Instant,
    state: State,
}

impl std::fmt::Debug for LateDtls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LateDtls")
    }
}

impl LateDtls {
    fn running(&self) -> Option<&Dtls> {
        match &self.state {
            State::Running(engine) => Some(engine),
            State::Undecided(_) => None,
        }
    }

    fn start(&mut self, verdict: Verdict, active: bool) -> &mut Dtls {
        let engine = Box::new(self.make.engine(verdict, active, self.now));
        self.state = State::Running(engine);
        match &mut self.state {
            State::Running(engine) => engine,
            State::Undecided(_) => unreachable!("set on the line above"),
        }
    }
}

/// Until the client speaks there is nothing to wait for, but the time must be
/// known when it does: the first flight's timer starts from it. This lasts from
/// the description to the ClientHello, a few round trips.
const CLOCK_TICK: Duration = Duration::from_millis(50);

impl DtlsInstance for LateDtls {
    fn set_active(&mut self, active: bool) {
        match &mut self.state {
            State::Running(engine) => engine.set_active(active),
            State::Undecided(_) if active => {
                // A client decides by what it offers itself.
                self.start(Verdict::Any, true);
            }
            State::Undecided(_) => {}
        }
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        let reader = match &mut self.state {
            State::Running(engine) => return engine.handle_packet(packet),
            State::Undecided(reader) => reader,
        };
        let Some(verdict) = reader.read(packet) else {
            return Ok(());
        };
        let held = std::mem::take(reader).into_held();
        let engine = self.start(verdict, false);
        held.iter().try_for_each(|p| engine.handle_packet(p))
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        match &mut self.state {
            State::Running(engine) => engine.poll_output(buf),
            State::Undecided(_) => DtlsOutput::Timeout(self.now + CLOCK_TICK),
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = now;
        match &mut self.state {
            State::Running(engine) => engine.handle_timeout(now),
            State::Undecided(_) => Ok(()),
        }
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        match &mut self.state {
            State::Running(engine) => engine.send_application_data(data),
            State::Undecided(_) => Ok(0),
        }
    }

    fn is_active(&self) -> bool {
        self.running().is_some_and(Dtls::is_active)
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.running().and_then(Dtls::protocol_version)
    }

    fn is_closing(&self) -> bool {
        self.running().is_some_and(Dtls::is_closing)
    }

    fn is_closed(&self) -> bool {
        // Never started means nothing to drain.
        self.running().is_none_or(Dtls::is_closed)
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        match &mut self.state {
            State::Running(engine) => engine.close(),
            State::Undecided(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries packets between the two until both are connected.
    fn handshake(version: DtlsVersion) -> bool {
        #[allow(clippy::disallowed_methods, reason = "tests need some instant")]
        let now = Instant::now();
        let cert = PerClientDtls.generate_certificate().unwrap();
        let mut server = PerClientDtls.new_dtls(&cert, now, version, None).unwrap();
        server.set_active(false);
        let config = Config::builder().build().unwrap();
        let mut client = Dtls::new_auto(Arc::new(config), cert, now);
        client.set_active(true);
        client.handle_timeout(now).unwrap();
        let mut connected = (false, false);
        for _ in 0..20 {
            let mut buf = [0; 2000];
            loop {
                match client.poll_output(&mut buf) {
                    DtlsOutput::Packet(p) => server.handle_packet(p).unwrap(),
                    DtlsOutput::Connected => connected.0 = true,
                    DtlsOutput::Timeout(_) => break,
                    _ => {}
                }
            }
            loop {
                match server.poll_output(&mut buf) {
                    DtlsOutput::Packet(p) => client.handle_packet(p).unwrap(),
                    DtlsOutput::Connected => connected.1 = true,
                    DtlsOutput::Timeout(_) => break,
                    _ => {}
                }
            }
        }
        connected == (true, true)
    }

    #[test]
    fn both_versions_shake_hands() {
        assert!(handshake(DtlsVersion::Auto));
        assert!(handshake(DtlsVersion::Dtls12), "the choice for Chromium");
        assert!(handshake(DtlsVersion::Dtls13));
    }
}
