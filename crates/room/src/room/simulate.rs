//! Faults that clients ask for, to test how they recover.

use std::time::Duration;

use surecast_media::time::Now;

use super::Room;
use super::depart::{Departure, leave};
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::output::SessionId;
use crate::participant::Simulation;
use crate::proto;
use crate::proto::DisconnectReason;
use crate::proto::leave_request::Action;
use crate::proto::simulate_scenario::Scenario;
use crate::timers::Subject;

/// A prepared fault waits this long for the resume that it is meant for.
const PREPARED: Duration = Duration::from_secs(5);

/// Longest speech that can be asked for.
const LONGEST_SPEECH: u64 = 60;

const SPEECH_LEVEL: f32 = 0.9;

impl Room {
    pub(super) fn simulate(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        scenario: &proto::SimulateScenario,
        now: Now,
    ) {
        tracing::info!(room = %self.name(), participant = %self.identity_of(key), ?scenario, "simulation");
        use DisconnectReason as Why;
        let Some(scenario) = &scenario.scenario else {
            return;
        };
        match scenario {
            Scenario::SpeakerUpdate(seconds) => self.speak(cx, key, *seconds, now),
            Scenario::NodeFailure(_) => {
                self.remove(cx, key, Departure::quiet(Why::ServerShutdown), now)
            }
            Scenario::ServerLeave(_) => {
                self.remove(cx, key, Departure::told(Why::ServerShutdown), now)
            }
            Scenario::LeaveRequestFullReconnect(_) => {
                self.remove(cx, key, Departure::start_over(Why::ClientInitiated), now);
            }
            Scenario::Migration(_) => self.send_away(cx, key, now),
            Scenario::SwitchCandidateProtocol(_) => self.restart_ice(cx, key),
            Scenario::DisconnectSignalOnResume(_) => {
                self.prepare(key, |fault| {
                    fault.close_on_resume_until = Some(now.at + PREPARED)
                });
            }
            Scenario::DisconnectSignalOnResumeNoMessages(_) => {
                self.prepare(key, |fault| {
                    fault.close_silently_on_resume_until = Some(now.at + PREPARED)
                });
            }
            // The bandwidth of a link is not the room's to change.
            Scenario::SubscriberBandwidth(_) => {}
        }
    }

    pub(super) fn end_simulated_speaker(&mut self, cx: &mut Context, key: ParticipantKey) {
        self.simulate_speaker(cx, key, 0.0);
    }

    pub(super) fn take_silent_close(&mut self, key: ParticipantKey, now: Now) -> bool {
        let Some(participant) = self.participants.get_mut(&key) else {
            return false;
        };
        let until = participant.simulation.close_silently_on_resume_until.take();
        until.is_some_and(|until| now.at < until)
    }

    pub(super) fn close_where_simulated(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        session: SessionId,
        now: Now,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let until = participant.simulation.close_on_resume_until.take();
        if until.is_some_and(|until| now.at < until) {
            cx.close_session(session);
            self.handle_session_closed(cx, key, session, now);
        }
    }

    fn speak(&mut self, cx: &mut Context, key: ParticipantKey, seconds: i32, now: Now) {
        let seconds = u64::try_from(seconds).unwrap_or(0).min(LONGEST_SPEECH);
        self.simulate_speaker(cx, key, SPEECH_LEVEL);
        let at = now.at + Duration::from_secs(seconds);
        cx.timers.set(self.id, Subject::Simulation(key), at);
    }

    fn prepare(&mut self, key: ParticipantKey, fault: impl FnOnce(&mut Simulation)) {
        if let Some(participant) = self.participants.get_mut(&key) {
            fault(&mut participant.simulation);
        }
    }

    /// As if another server took over: the client resumes at once.
    fn send_away(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let Some(session) = participant.signalling.session else {
            return;
        };
        if let Some(message) = leave(
            participant.protocol,
            DisconnectReason::Migration,
            Action::Resume,
        ) {
            cx.signal(session, message);
        }
        cx.close_session(session);
        self.handle_session_closed(cx, key, session, now);
    }
}
