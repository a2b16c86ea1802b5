//! `livekit.Ingress`: ways in for encoders, with keys of their own.

use axum::http::HeaderMap;
use surecast_room::proto::{
    CreateIngressRequest, DeleteIngressRequest, IngressInfo, IngressInput, ListIngressRequest,
    ListIngressResponse, ParticipantInfo, UpdateIngressRequest, ingress_state::Status,
    participant_info,
};
use surecast_room::proto::{IngressState, ListParticipantsRequest};
use surecast_room::{Grants, ServiceCall, ServiceCode, ServiceError, ServiceReply, VideoGrant};

use super::super::Doors;
use super::body::{decode, encode};
use crate::broadcast::ingress::{self, IngressError};
use crate::broadcast::pull::{PullError, PullRequest};

/// The longest name, identity or metadata that is kept, in bytes.
const MAX_TEXT: usize = 64 << 10;

/// Any method.
///
/// # Errors
/// As Twirp says them.
pub(super) async fn call(
    doors: &Doors,
    (method, headers): (&str, &HeaderMap),
    grants: &Grants,
    (body, json): (&[u8], bool),
) -> Result<Vec<u8>, ServiceError> {
    let allowed = grants
        .video
        .as_ref()
        .is_some_and(|video| video.ingress_admin);
    if !allowed {
        let message = "the token lacks the ingressAdmin grant";
        return Err(ServiceError::new(ServiceCode::PermissionDenied, message));
    }
    match method {
        "CreateIngress" => create(doors, headers, decode(body, json)?)
            .await
            .map(|info| encode(&info, json)),
        "UpdateIngress" => update(doors, decode(body, json)?)
            .await
            .map(|info| encode(&info, json)),
        "ListIngress" => Ok(encode(&list(doors, &decode(body, json)?).await, json)),
        "DeleteIngress" => delete(doors, &decode(body, json)?)
            .await
            .map(|info| encode(&info, json)),
        _ => Err(ServiceError::new(
            ServiceCode::BadRoute,
            format!("no method {method:?} in livekit.Ingress"),
        )),
    }
}

#[allow(deprecated, reason = "it is in the answer")]
async fn create(
    doors: &Doors,
    headers: &HeaderMap,
    request: CreateIngressRequest,
) -> Result<IngressInfo, ServiceError> {
    let input = request.input_type();
    check(&request)?;
    if input == IngressInput::UrlInput {
        let checked = doors.pulls.check(&request.url).await;
        checked.map_err(|error| pull_error(&error))?;
    }
    let url = match input {
        IngressInput::RtmpInput => format!("rtmp://{}:{}/live", host(headers), rtmp_port(doors)),
        IngressInput::WhipInput => format!("{}/whip", origin(doors, headers)),
        IngressInput::UrlInput => request.url.clone(),
    };
    let info = IngressInfo {
        name: request.name,
        url,
        input_type: input as i32,
        bypass_transcoding: request.bypass_transcoding,
        enable_transcoding: request.enable_transcoding,
        audio: request.audio,
        video: request.video,
        room_name: request.room_name,
        participant_identity: request.participant_identity,
        participant_name: request.participant_name,
        participant_metadata: request.participant_metadata,
        reusable: input != IngressInput::UrlInput,
        enabled: request.enabled,
        ..Default::default()
    };
    let made = doors
        .broadcast
        .ingresses()
        .create(info)
        .await
        .map_err(error)?;
    tracing::info!(
        ingress = made.ingress_id,
        room = made.room_name,
        identity = made.participant_identity,
        "ingress created"
    );
    pull(doors, &made)?;
    Ok(with_state(doors, made).await)
}

fn check(request: &CreateIngressRequest) -> Result<(), ServiceError> {
    let invalid = |words: &str| Err(ServiceError::new(ServiceCode::InvalidArgument, words));
    if request.participant_identity.is_empty() {
        return invalid("participant_identity is empty: who shall the encoder be in the room?");
    }
    if request.room_name.is_empty() {
        return invalid("room_name is empty: where shall the encoder publish?");
    }
    let long = [
        &request.name,
        &request.participant_identity,
        &request.participant_name,
        &request.participant_metadata,
        &request.room_name,
        &request.url,
    ];
    if long.iter().any(|text| text.len() > MAX_TEXT) {
        return invalid("a text is longer than 64 KiB");
    }
    Ok(())
}

/// Fetches what an ingress with a URL says, or ceases to.
fn pull(doors: &Doors, info: &IngressInfo) -> Result<(), ServiceError> {
    if info.input_type() != IngressInput::UrlInput {
        return Ok(());
    }
    if !ingress::is_enabled(info) {
        doors.pulls.stop(&info.ingress_id);
        return Ok(());
    }
    let started = doors.pulls.start(PullRequest::of_ingress(info));
    started.map(drop).map_err(|error| pull_error(&error))
}

fn pull_error(error: &PullError) -> ServiceError {
    let code = match error {
        PullError::Unusable(_) => ServiceCode::InvalidArgument,
        PullError::Refused(_) => ServiceCode::PermissionDenied,
        PullError::TooMany => ServiceCode::ResourceExhausted,
    };
    ServiceError::new(code, error.to_string())
}

async fn update(doors: &Doors, request: UpdateIngressRequest) -> Result<IngressInfo, ServiceError> {
    let id = request.ingress_id.clone();
    let changed = doors.broadcast.ingresses().update(&id, |info| {
        let set = |field: &mut String, value: String| {
            if !value.is_empty() {
                *field = value;
            }
        };
        set(&mut info.name, request.name);
        set(&mut info.room_name, request.room_name);
        set(&mut info.participant_identity, request.participant_identity);
        set(&mut info.participant_name, request.participant_name);
        set(&mut info.participant_metadata, request.participant_metadata);
        info.audio = request.audio.or(info.audio.take());
        info.video = request.video.or(info.video.take());
        info.enabled = request.enabled.or(info.enabled);
        info.enable_transcoding = request.enable_transcoding.or(info.enable_transcoding);
    });
    let changed = changed.await.map_err(error)?;
    pull(doors, &changed)?;
    Ok(with_state(doors, changed).await)
}

async fn list(doors: &Doors, request: &ListIngressRequest) -> ListIngressResponse {
    let mut items = Vec::new();
    for info in doors
        .broadcast
        .ingresses()
        .list(&request.room_name, &request.ingress_id)
    {
        items.push(with_state(doors, info).await);
    }
    ListIngressResponse {
        items,
        next_page_token: None,
    }
}

/// Whoever publishes with its key is sent away.
async fn delete(
    doors: &Doors,
    request: &DeleteIngressRequest,
) -> Result<IngressInfo, ServiceError> {
    let deleted = doors
        .broadcast
        .ingresses()
        .delete(&request.ingress_id)
        .await;
    doors.pulls.stop(&request.ingress_id);
    let info = with_state(doors, deleted.map_err(error)?).await;
    let publishing = info
        .state
        .as_ref()
        .is_some_and(|state| state.status() == Status::EndpointPublishing);
    if publishing {
        let who = surecast_room::proto::RoomParticipantIdentity {
            room: info.room_name.clone(),
            identity: info.participant_identity.clone(),
            ..Default::default()
        };
        let call = ServiceCall::RemoveParticipant(who);
        // It may have left in the meantime.
        let _ = doors.control.service(admin(&info.room_name), call).await;
    }
    Ok(info)
}

/// With what its encoder does now.
async fn with_state(doors: &Doors, info: IngressInfo) -> IngressInfo {
    let state = match participant(doors, &info).await {
        Some(participant) => IngressState {
            status: Status::EndpointPublishing as i32,
            started_at: participant.joined_at_ms.saturating_mul(1_000_000),
            tracks: participant.tracks,
            resource_id: participant.sid,
            ..Default::default()
        },
        None => fetching(doors, &info),
    };
    IngressInfo {
        state: Some(state),
        ..info
    }
}

/// Of one that is not in the room.
fn fetching(doors: &Doors, info: &IngressInfo) -> IngressState {
    match doors.pulls.get(&info.ingress_id) {
        None => ingress::inactive(),
        Some(pull) if pull.error.is_empty() => IngressState {
            status: Status::EndpointBuffering as i32,
            ..Default::default()
        },
        Some(pull) => IngressState {
            status: Status::EndpointError as i32,
            error: pull.error,
            ..Default::default()
        },
    }
}

async fn participant(doors: &Doors, info: &IngressInfo) -> Option<ParticipantInfo> {
    let room = info.room_name.clone();
    let call = ServiceCall::ListParticipants(ListParticipantsRequest { room });
    let reply = doors.control.service(admin(&info.room_name), call).await;
    let Ok(Ok(ServiceReply::ListParticipants(list))) = reply else {
        return None;
    };
    list.participants.into_iter().find(|participant| {
        participant.identity == info.participant_identity
            && participant.kind() == participant_info::Kind::Ingress
    })
}

fn admin(room: &str) -> Grants {
    let video = VideoGrant {
        room_admin: true,
        room: room.to_owned(),
        ..VideoGrant::default()
    };
    Grants {
        video: Some(video),
        ..Grants::default()
    }
}

/// The name under which whoever asks reaches us, without its port.
fn host(headers: &HeaderMap) -> String {
    let host = headers.get(axum::http::header::HOST);
    let host = host
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => host.to_owned(),
    }
}

fn origin(doors: &Doors, headers: &HeaderMap) -> String {
    let scheme = if doors.config.tls.enabled() {
        "https"
    } else {
        "http"
    };
    let host = headers.get(axum::http::header::HOST);
    let host = host
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    format!("{scheme}://{host}")
}

fn rtmp_port(doors: &Doors) -> u16 {
    doors.config.rtmp.listen.port()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn error(error: IngressError) -> ServiceError {
    let code = match error {
        IngressError::NotFound(_) => ServiceCode::NotFound,
        IngressError::TooMany => ServiceCode::ResourceExhausted,
        IngressError::Store(_) => ServiceCode::Internal,
    };
    ServiceError::new(code, error.to_string())
}
