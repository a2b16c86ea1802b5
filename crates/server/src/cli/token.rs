//! `surecast token create`.

use std::collections::HashMap;

use clap::{Args, Subcommand};
use surecast_room::Grants;
use surecast_room::token::{self, GuaranteeGrant, VideoGrant};

use super::{ConfigArgs, Failure, Overrides, print};
use crate::clock;
use crate::config::Span;
use crate::guarantee::Role;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Print an access token (JWT) that this and every LiveKit server with the same key accepts.
    Create(Box<CreateArgs>),
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Who the token is for.
    #[arg(long)]
    identity: Option<String>,
    /// The room it is for; with --identity the token allows joining it.
    #[arg(long)]
    room: Option<String>,
    /// Name shown to others.
    #[arg(long)]
    name: Option<String>,
    /// Metadata shown to others.
    #[arg(long)]
    metadata: Option<String>,
    /// An attribute shown to others; may be repeated.
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
    /// Allow publishing audio and video [default: allowed].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    can_publish: Option<bool>,
    /// Allow receiving [default: allowed].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    can_subscribe: Option<bool>,
    /// Allow sending data [default: as --can-publish].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    can_publish_data: Option<bool>,
    /// Allow changing one's own name, metadata and attributes [default: not allowed].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    can_update_own_metadata: Option<bool>,
    /// Others do not see the participant.
    #[arg(long)]
    hidden: bool,
    /// The participant records.
    #[arg(long)]
    recorder: bool,
    /// Allow administering the room.
    #[arg(long)]
    room_admin: bool,
    /// Allow creating and deleting rooms.
    #[arg(long)]
    room_create: bool,
    /// Allow listing rooms.
    #[arg(long)]
    room_list: bool,
    /// Allow recording the room, or all rooms without --room.
    #[arg(long)]
    room_record: bool,
    /// Allow what this role may do with contracts, incidents, tickets and settlements: operator, agent,
    /// account_manager, expert, customer, auditor, probe or hook.
    #[arg(long, value_name = "ROLE")]
    guarantee_role: Option<Role>,
    /// A contract that the role is for; may be repeated [default: all; a customer's token names them].
    #[arg(long = "contract", value_name = "ID", requires = "guarantee_role")]
    contracts: Vec<String>,
    /// How long the token is valid: 20s, 5m, 6h, 7d.
    #[arg(long, default_value = "6h")]
    ttl: Span,
    /// The API key that signs [default: the only one of the configuration].
    #[arg(long)]
    api_key: Option<String>,
    /// Its secret; then no configuration is read.
    #[arg(long, requires = "api_key")]
    api_secret: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

impl TokenCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self::Create(args) = self;
        args.check()?;
        let (key, secret) = args.key()?;
        let jwt = token::sign(&key, &secret, &args.grants(), args.ttl.0, clock::now());
        print(&format!("{jwt}\n"))
    }
}

impl CreateArgs {
    fn check(&self) -> Result<(), Failure> {
        let wrong = |text: &str| Err(Failure::Call(text.into()));
        if self.ttl.0.is_zero() {
            return wrong("--ttl must be more than nothing");
        }
        if self.room.is_some() && self.identity.is_none() && !self.room_admin {
            return wrong("--room needs --identity, so that somebody can join, or --room-admin");
        }
        if self.guarantee_role == Some(Role::Customer) && self.contracts.is_empty() {
            return wrong(
                "--guarantee-role customer needs --contract: which contracts are the customer's",
            );
        }
        let elsewhere =
            self.room_create || self.room_list || self.room_record || self.guarantee_role.is_some();
        if self.identity.is_some() && self.room.is_none() && !elsewhere {
            return wrong("--identity needs --room: the room that may be joined");
        }
        if self.room_admin && self.room.is_none() {
            return wrong("--room-admin needs --room: the room that may be administered");
        }
        if self.identity.is_none() && !(self.room_admin || elsewhere) {
            return wrong(
                "the token would allow nothing: give --identity and --room, or one of --room-admin, --room-create, \
                 --room-list, --guarantee-role",
            );
        }
        Ok(())
    }

    fn key(&self) -> Result<(String, String), Failure> {
        if let (Some(key), Some(secret)) = (&self.api_key, &self.api_secret) {
            return Ok((key.clone(), secret.clone()));
        }
        let config = self.config.load(&Overrides::default())?;
        let chosen = match &self.api_key {
            Some(key) => config.keys.get_key_value(key),
            None => config.default_key(),
        };
        chosen
            .map(|(key, secret)| (key.clone(), secret.clone()))
            .ok_or_else(|| {
                let known: Vec<&str> = config.keys.keys().map(String::as_str).collect();
                Failure::Call(format!(
                    "say with --api-key which key shall sign; configured are: {}",
                    known.join(", ")
                ))
            })
    }

    fn grants(&self) -> Grants {
        let room_join = self.room.is_some() && self.identity.is_some();
        Grants {
            identity: self.identity.clone().unwrap_or_default(),
            name: self.name.clone().unwrap_or_default(),
            metadata: self.metadata.clone().unwrap_or_default(),
            attributes: self.attributes.iter().cloned().collect::<HashMap<_, _>>(),
            video: Some(VideoGrant {
                room: self.room.clone().unwrap_or_default(),
                room_join,
                room_admin: self.room_admin,
                room_create: self.room_create,
                room_list: self.room_list,
                room_record: self.room_record,
                can_publish: self.can_publish,
                can_subscribe: self.can_subscribe,
                can_publish_data: self.can_publish_data,
                can_update_own_metadata: self.can_update_own_metadata,
                hidden: self.hidden,
                recorder: self.recorder,
                ..VideoGrant::default()
            }),
            guarantee: self.guarantee_role.map(|role| GuaranteeGrant {
                role: role.name().to_owned(),
                contracts: self.contracts.clone(),
            }),
            ..Grants::default()
        }
    }
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".into()),
    }
}
