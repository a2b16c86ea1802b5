//! Who may do what: one table, looked at before any handler is reached.

use std::fmt;
use std::sync::Arc;

use axum::extract::{RawPathParams, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use surecast_guarantee::incident::Actor;

use super::Api;
use super::error::ApiError;
use crate::guarantee::Role;

/// The name of the part of a path that names a contract.
const CONTRACT: &str = "contract";

/// What a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// What everybody may see, without a token.
    Public,
    /// Look.
    Read,
    /// Do something about an incident. What exactly is the engine's to allow.
    Incident,
    /// Open a ticket, write, do something about it. The same holds.
    Ticket,
    /// Declare time that is not to count.
    Declare,
    /// Register a show.
    Register,
    /// Take a step with a settlement; a customer can only dispute.
    Settle,
    /// Pass on what came by mail or phone.
    Hook,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public | Self::Read => "read this",
            Self::Incident => "do anything about incidents",
            Self::Ticket => "write tickets",
            Self::Declare => "declare maintenance",
            Self::Register => "register events",
            Self::Settle => "take steps with settlements",
            Self::Hook => "pass on mails and calls",
        })
    }
}

/// The table.
pub const fn allows(role: Role, act: Act) -> bool {
    use Role::{AccountManager, Agent, Auditor, Customer, Expert, Hook, Operator};
    match act {
        Act::Public => true,
        Act::Read => matches!(
            role,
            Operator | Agent | AccountManager | Expert | Customer | Auditor
        ),
        Act::Incident | Act::Ticket => {
            matches!(role, Operator | Agent | AccountManager | Expert | Customer)
        }
        Act::Declare => matches!(role, Operator | AccountManager),
        Act::Register | Act::Settle => matches!(role, Operator | AccountManager | Customer),
        Act::Hook => matches!(role, Hook),
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// In which part.
    pub role: Role,
    name: String,
    contracts: Vec<String>,
}

impl Caller {
    /// Whether a contract is theirs to see. A customer without any has none;
    /// everybody else has all.
    pub fn sees(&self, contract: &str) -> bool {
        if self.contracts.is_empty() {
            return self.role != Role::Customer;
        }
        self.contracts.iter().any(|id| id == contract)
    }

    /// As the engines take them.
    pub fn actor(&self) -> Actor {
        Actor::new(self.role.author(), &self.name)
    }
}

/// Before every handler.
pub async fn guard(
    State((api, act)): State<(Arc<Api>, Act)>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    if act != Act::Public {
        let mut named = params.iter().filter(|(name, _)| *name == CONTRACT);
        let contract = named.next().map(|(_, contract)| contract);
        match admit(&api, act, contract, request.headers()) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
            }
            Err(error) => return error.into_response(),
        }
    }
    next.run(request).await
}

fn admit(
    api: &Api,
    act: Act,
    contract: Option<&str>,
    headers: &HeaderMap,
) -> Result<Caller, ApiError> {
    let grants = api.keys.authenticate(headers, None)?;
    let Some(grant) = grants.guarantee else {
        return Err(ApiError::Forbidden(
            "the token has no claim `guarantee`: make one with \
             `surecast token create --guarantee-role ROLE`"
                .to_owned(),
        ));
    };
    let role: Role = grant.role.parse().map_err(ApiError::Forbidden)?;
    if !allows(role, act) {
        return Err(ApiError::Forbidden(format!(
            "the role `{role}` may not {act}: use a token with another one"
        )));
    }
    let names = [grants.name, grants.identity];
    let name = names.into_iter().find(|name| !name.is_empty());
    let caller = Caller {
        role,
        name: name.unwrap_or_else(|| role.name().to_owned()),
        contracts: grant.contracts,
    };
    match contract {
        // Whether it is there is nobody's business but of those whose it is.
        Some(id) if !caller.sees(id) || api.desk.view(id).is_none() => {
            Err(ApiError::no_contract(id))
        }
        _ => Ok(caller),
    }
}
