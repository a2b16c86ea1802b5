//! Refusals, in words and in the numbers of HTTP and Twirp.

use thiserror::Error;

/// Why a participant may not join. `Display` is the body of the HTTP answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JoinError {
    /// The room is not there, and this participant may not create it. Clients
    /// recognise the words.
    #[error("requested room does not exist")]
    NotFound,
    /// The token lacks a grant.
    #[error("no permissions to access the room: {0}")]
    NotAllowed(&'static str),
    /// The room's or the server's limit on participants is reached.
    #[error("room has exceeded its max participants ({limit})")]
    RoomFull {
        /// The limit.
        limit: u32,
    },
    /// Somebody of this identity is in the room, and this one does not replace
    /// others.
    #[error("somebody with this identity is in the room already")]
    IdentityTaken,
    /// The token names nobody.
    #[error("identity cannot be empty: the token needs a `sub` claim")]
    IdentityMissing,
    /// Neither token nor query names a room.
    #[error("no room name: the token's video grant or the `room` parameter must give one")]
    RoomNameMissing,
    /// Something in the request is longer than allowed.
    #[error("{what} is too long: {bytes} bytes, the limit is {limit}")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A part of the request cannot be understood.
    #[error("bad join request: {0}")]
    Malformed(&'static str),
    /// The server has no room for another room.
    #[error("node has exceeded its configured limit of {limit} rooms")]
    TooManyRooms {
        /// The limit.
        limit: usize,
    },
    /// The server is stopping.
    #[error("the server is shutting down: try another one or later")]
    ShuttingDown,
}

impl JoinError {
    /// Status of the HTTP answer. The JavaScript client takes 4xx as final and
    /// tries again after 5xx.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::NotAllowed(_) => 401,
            Self::RoomFull { .. } => 403,
            Self::IdentityTaken => 409,
            Self::IdentityMissing
            | Self::RoomNameMissing
            | Self::TooLong { .. }
            | Self::Malformed(_) => 400,
            Self::TooManyRooms { .. } | Self::ShuttingDown => 503,
        }
    }
}

/// Twirp's error codes, those that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceCode {
    /// The request is wrong in itself.
    InvalidArgument,
    /// The body cannot be parsed.
    Malformed,
    /// Room, participant or track is not there.
    NotFound,
    /// No such method.
    BadRoute,
    /// The token lacks a grant.
    PermissionDenied,
    /// There is no valid token.
    Unauthenticated,
    /// A limit is reached.
    ResourceExhausted,
    /// Not possible in the present state.
    FailedPrecondition,
    /// This server does not do that.
    Unimplemented,
    /// The server failed.
    Internal,
}

impl ServiceCode {
    /// The `code` of the JSON error body.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::BadRoute => "bad_route",
            Self::PermissionDenied => "permission_denied",
            Self::Unauthenticated => "unauthenticated",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status that Twirp assigns to the code.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Self::InvalidArgument | Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound | Self::BadRoute => 404,
            Self::FailedPrecondition => 412,
            Self::ResourceExhausted => 429,
            Self::Internal => 500,
            Self::Unimplemented => 501,
        }
    }
}

/// Why a call to the room service failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}: {message}", code.as_str())]
pub struct ServiceError {
    /// Twirp code.
    pub code: ServiceCode,
    /// For the caller.
    pub message: String,
}

impl ServiceError {
    /// Puts the two together.
    pub fn new(code: ServiceCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
