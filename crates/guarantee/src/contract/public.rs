//! What of a contract everybody may read.
//!
//! The evidence log is public and keeps what is in it for good, so it has a
//! contract without the people in it: no names, mail addresses, phone numbers or
//! webhooks. In their place stands [`Contract::sealed_contacts`], the SHA-256 of
//! the canonical JSON of
//!
//! ```text
//! {"account_manager": CONTACT?, "customer": CONTACT, "experts": [CONTACT, …],
//!  "lead": CONTACT, "provider": CONTACT, "salt": TEXT?}
//! ```
//!
//! so that whoever has the contract's file can show which people were agreed on.
//! Addresses can be guessed; `contacts_salt` in the file, which only the parties
//! have, makes that useless. The evaluator needs roles alone.
//!
//! The hash of a contract that was sealed is that of this public form. Leaves from
//! before there was such a form have no seal, and are hashed and read as they are.

use serde::Serialize;

use super::Contract;
use super::support::Contact;
use crate::canonical::{self, CanonicalError};

/// Shortest salt, in bytes: 16 of 64 possible characters are 96 bits.
pub const MIN_SALT: usize = 16;

/// Longest one.
pub const MAX_SALT: usize = 128;

/// What the seal is the hash of.
#[derive(Serialize)]
struct Contacts<'a> {
    provider: &'a Contact,
    customer: &'a Contact,
    lead: &'a Contact,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_manager: Option<&'a Contact>,
    experts: Vec<&'a Contact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<&'a str>,
}

impl Contract {
    /// With its seal: from here on its hash is that of the public form. A contract
    /// that is sealed stays as it is.
    ///
    /// # Errors
    /// None that can happen: texts have a canonical form.
    pub fn sealed(mut self) -> Result<Self, CanonicalError> {
        if self.sealed_contacts.is_none() {
            let contacts = Contacts {
                provider: &self.parties.provider.contact,
                customer: &self.parties.customer.contact,
                lead: &self.support.lead,
                account_manager: self.support.account_manager.as_ref(),
                experts: self.support.experts.iter().map(|e| &e.contact).collect(),
                salt: self.contacts_salt.as_deref(),
            };
            self.sealed_contacts = Some(canonical::sha256(&contacts)?);
        }
        Ok(self)
    }

    /// As it stands in the log: without people where it is sealed, whole where it
    /// was logged before there were seals.
    #[must_use]
    pub fn public(&self) -> Self {
        let mut public = self.clone();
        if public.sealed_contacts.is_some() {
            public.contacts_salt = None;
            public
                .contacts_mut()
                .for_each(|contact| *contact = nobody());
        }
        public
    }

    fn contacts_mut(&mut self) -> impl Iterator<Item = &mut Contact> {
        let (parties, support) = (&mut self.parties, &mut self.support);
        let named = [
            &mut parties.provider.contact,
            &mut parties.customer.contact,
            &mut support.lead,
        ];
        let experts = support.experts.iter_mut().map(|expert| &mut expert.contact);
        let manager = support.account_manager.iter_mut();
        named.into_iter().chain(manager).chain(experts)
    }
}

const fn nobody() -> Contact {
    Contact {
        name: String::new(),
        mail: None,
        phone: None,
        webhook: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::plan::Plan;
    use crate::evidence::{Kind, Leaf};

    fn plan() -> Contract {
        Contract::from_yaml(Plan::Custom.yaml()).expect("a plan").0
    }

    #[test]
    fn the_public_form_names_nobody_and_has_the_same_hash() {
        let whole = plan();
        let hash = whole.hash().expect("a hash");
        let sealed = whole.clone().sealed().expect("sealed");
        let at = jiff::Timestamp::UNIX_EPOCH;
        let leaf = Leaf::json(Kind::Contract, at, &sealed.public()).expect("a leaf");
        for secret in ["@", "+49", "https:", "Lovelace"] {
            assert!(
                !leaf.payload().contains(secret),
                "{secret}: {}",
                leaf.payload()
            );
        }
        let read: Contract = leaf.decode().expect("a contract");
        assert_eq!(read.hash(), sealed.hash());
        assert_eq!(read.canonical_json().as_deref(), Ok(leaf.payload()));
        assert_ne!(sealed.hash().as_ref(), Ok(&hash));
        // Roles, targets, coverage are all there.
        assert_eq!(read.coverage, whole.coverage);
        assert_eq!(read.support.targets, whole.support.targets);
        assert_eq!(read.support.experts.len(), whole.support.experts.len());
        // Whoever has the file can show who was agreed on.
        let mut other = whole.clone();
        other.support.lead.mail = Some("other@example.com".to_owned());
        let other = other.sealed().expect("sealed");
        assert_ne!(other.sealed_contacts, sealed.sealed_contacts);
        let mut salted = whole;
        salted.contacts_salt = Some("x".repeat(MIN_SALT));
        let salted = salted.sealed().expect("sealed");
        assert_ne!(salted.sealed_contacts, sealed.sealed_contacts);
        assert_eq!(salted.public().contacts_salt, None);
    }

    /// Of a log from before: whole, and its hash is that of the whole.
    #[test]
    fn leaves_without_a_seal_are_read_as_before() {
        let whole = plan();
        let text = whole.canonical_json().expect("canonical");
        assert!(!text.contains("sealed_contacts") && !text.contains("contacts_salt"));
        let at = jiff::Timestamp::UNIX_EPOCH;
        let leaf = Leaf::json(Kind::Contract, at, &whole).expect("a leaf");
        let read: Contract = leaf.decode().expect("a contract");
        assert_eq!(read, whole);
        assert_eq!(read.hash(), whole.hash());
        assert_eq!(whole.public(), whole);
    }
}
