//! `surecast probe`: whether people get in and media flows, seen from outside.
//!
//! The server measures itself; what keeps people from reaching it, it cannot
//! see. A probe is a whole client at a vantage. It knows nothing of our server
//! but the protocol, so that other servers can be probed as well; only where its
//! reports go to must be a Surecast server.

mod args;
mod key;
mod outcome;
mod peer;
mod round;
mod sender;
mod verdict;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use surecast_guarantee::evidence::SigningKey;
use surecast_guarantee::report::probe::Verdict;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Failure;

pub use args::ProbeArgs;
use args::{ProbeCommand, RunArgs};
use outcome::Outcome;
use round::Plan;
use sender::Sender;

/// Probes, or makes a key.
///
/// # Errors
/// The call is wrong; or the round was bad or could not be measured, or its
/// report did not get through.
pub async fn run(args: ProbeArgs) -> Result<(), Failure> {
    if let Some(ProbeCommand::Key(args)) = &args.command {
        return key::run(args);
    }
    let args = args.run;
    args.check().map_err(Failure::Call)?;
    let key = load_key(&args)?;
    let signer = key.as_ref().map(|key| key.public().name());
    let plan = Plan {
        url: args.url.clone(),
        credentials: args.credentials(),
        vantage: args.vantage(signer).map_err(Failure::Call)?,
        region: args.region.name().to_owned(),
        duration: args.duration,
        crypto: Arc::new(str0m::crypto::from_feature_flags()),
    };
    let sender = match (&args.report, key) {
        (Some(url), Some(key)) => Some(Sender::new(url, key, args.region.clone(), &args.url)?),
        _ => None,
    };
    match args.every {
        None => once(&plan, sender, args.json).await,
        Some(every) => stay(&plan, sender, args.json, every).await,
    }
}

fn load_key(args: &RunArgs) -> Result<Option<SigningKey>, Failure> {
    let Some(path) = &args.key else {
        return Ok(None);
    };
    let missing = || {
        Failure::Call(format!(
            "there is no key {}: make one with `surecast probe key --vantage NAME --key FILE`",
            path.display()
        ))
    };
    key::load(path)?.ok_or_else(missing).map(Some)
}

async fn once(plan: &Plan, sender: Option<Sender>, json: bool) -> Result<(), Failure> {
    tell(&format!("probing {}", plan.url));
    let outcome = plan.round().await;
    show(&outcome, json)?;
    if let Some(mut sender) = sender {
        sender.add(outcome.round())?;
        sender.close()?;
        sender.send().await?;
        tell("reported");
    }
    match outcome.verdict() {
        Verdict::Good => Ok(()),
        Verdict::Bad => Err(Failure::Work(anyhow::anyhow!("the round was bad"))),
        Verdict::Failed => Err(Failure::Work(anyhow::anyhow!(
            "the round could not be measured: that is the probe's own failure, no outage"
        ))),
    }
}

/// Round after round until a signal; then what is left is sent.
async fn stay(
    plan: &Plan,
    mut sender: Option<Sender>,
    json: bool,
    every: Duration,
) -> Result<(), Failure> {
    let term = signal(SignalKind::terminate());
    let mut term = term.map_err(|error| Failure::Work(error.into()))?;
    let mut stop = std::pin::pin!(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    });
    tell(&format!("probing {} every {every:?}", plan.url));
    loop {
        let outcome = tokio::select! {
            outcome = plan.round() => outcome,
            () = &mut stop => break,
        };
        show(&outcome, json)?;
        let wait = until_next(every, offset(&plan.vantage, every));
        if let Some(sender) = &mut sender {
            sender.add(outcome.round())?;
            // The next round begins in another minute: this one is complete.
            if wait >= rest_of_minute() {
                sender.close()?;
            }
            if let Err(error) = sender.send().await {
                tell(&format!("{error:#}"));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = &mut stop => break,
        }
    }
    if let Some(mut sender) = sender {
        sender.close()?;
        sender.send().await?;
    }
    Ok(())
}

/// Rounds begin at fixed times of the day, the same for each run of a vantage and
/// another for each vantage, so that they do not all come at once. They begin in
/// the first part of a minute, so that they end in it.
fn offset(vantage: &str, every: Duration) -> Duration {
    let sum = vantage.bytes().fold(17_u64, |sum, b| {
        sum.wrapping_mul(31).wrapping_add(u64::from(b))
    });
    let room = every.as_secs().clamp(1, 60) / 2;
    Duration::from_secs(sum % room.max(1))
}

fn until_next(every: Duration, offset: Duration) -> Duration {
    let step = every.as_millis().max(1);
    let into = (unix().as_millis() + step - offset.as_millis() % step) % step;
    Duration::from_millis(u64::try_from(step - into).unwrap_or(u64::MAX))
}

fn rest_of_minute() -> Duration {
    let minute = 60_000;
    let into = unix().as_millis() % minute;
    Duration::from_millis(u64::try_from(minute - into).unwrap_or(0))
}

fn unix() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Progress, on standard error.
fn tell(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn show(outcome: &Outcome, json: bool) -> Result<(), Failure> {
    if json {
        let line = serde_json::to_string(outcome).map_err(|error| Failure::Work(error.into()))?;
        return crate::cli::print(&format!("{line}\n"));
    }
    crate::cli::print(&outcome.to_string())
}
