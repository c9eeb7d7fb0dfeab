//! The session with the token, opened when it is needed and anew when it was lost.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use keyway_vault_crypto::{CryptoError, DataKey, HeldOpening, HeldSealing, held_key_marks};
use zeroize::Zeroizing;

use super::super::wrap::{Generation, Generations, WrapError};
use super::failure::Failure;
use super::{Pin, TokenSettings};
use crate::master_key::read_private;

/// What the thread works with.
pub(super) struct Connection {
    settings: TokenSettings,
    library: Option<Pkcs11>,
    open: Option<Open>,
    /// Set when the token refused the PIN: it is not offered again, since tokens lock.
    refused: Option<String>,
}

/// A session of the token's user, with the keys that the settings name.
struct Open {
    session: Session,
    keys: Vec<Key>,
}

struct Key {
    handle: ObjectHandle,
    marks: Generation,
}

impl Connection {
    pub(super) const fn new(settings: TokenSettings) -> Self {
        Self {
            settings,
            library: None,
            open: None,
            refused: None,
        }
    }

    /// Lets every key answer its question, and compares.
    pub(super) fn check(&mut self) -> Result<Generations, WrapError> {
        let checked = self.retried(|open| {
            let marks = open.keys.iter().map(|key| {
                let now = open.marks(key.handle)?;
                if now == key.marks {
                    Ok(now)
                } else {
                    Err(Failure::Setup(
                        "a key in the token answers otherwise than before".to_owned(),
                    ))
                }
            });
            marks.collect::<Result<_, Failure>>()
        });
        Ok(Generations(checked?))
    }

    pub(super) fn seal(&mut self, id: &str, sealing: &HeldSealing) -> Result<Vec<u8>, WrapError> {
        let sealed = self.retried(|open| {
            let key = open.key(id)?;
            open.encrypt(key, sealing.nonce(), sealing.context(), sealing.plaintext())
        });
        Ok(sealing.finish(&sealed?)?)
    }

    /// Opens a wrapped data key, if the token has the key: else what is wrong with the bytes matters
    /// to nobody.
    pub(super) fn open(
        &mut self,
        id: &str,
        opening: Result<HeldOpening, CryptoError>,
    ) -> Result<DataKey, WrapError> {
        self.retried(|open| open.key(id).map(drop))?;
        let opening = opening?;
        let opened = self.retried(|open| {
            let key = open.key(id)?;
            let opened = open.decrypt(key, &opening);
            match opened {
                // It may be the token that is broken, and then nothing is known of the bytes.
                Err(failure) if failure.is_refused_bytes() && open.marks(key).is_ok() => {
                    Err(CryptoError::Tampered.into())
                }
                opened => opened,
            }
        });
        Ok(opening.finish(&opened?)?)
    }

    /// Makes an AES-256 key that can't be taken out of the token; its id.
    pub(super) fn make_key(&mut self, label: &str) -> Result<String, WrapError> {
        let made = self.session(true).and_then(|session| {
            let label = Attribute::Label(label.into());
            if !session.find_objects(&[SECRET, label.clone()])?.is_empty() {
                let why = "the token has a key with this label; a master key is never written over";
                return Err(Failure::Setup(why.to_owned()));
            }
            let handle = session.generate_key(&Mechanism::AesKeyGen, &template(label))?;
            let keys = Vec::new();
            Open { session, keys }.marks(handle)
        });
        Ok(made?.id)
    }

    /// Does something in the session, and once more in a new one where the first was lost.
    fn retried<T>(&mut self, work: impl Fn(&Open) -> Result<T, Failure>) -> Result<T, WrapError> {
        let first = self.once(&work);
        match first {
            Err(failure) if failure.may_be_the_session() && self.refused.is_none() => {
                self.forget_library();
                Ok(self.once(&work)?)
            }
            answer => Ok(answer?),
        }
    }

    fn once<T>(&mut self, work: impl Fn(&Open) -> Result<T, Failure>) -> Result<T, Failure> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.opened()?,
        };
        let answer = work(&open);
        if !answer.as_ref().is_err_and(Failure::may_be_the_session) {
            self.open = Some(open);
        }
        answer
    }

    fn opened(&mut self) -> Result<Open, Failure> {
        let session = self.session(false)?;
        let labels = self.settings.keys.clone();
        let mut open = Open {
            session,
            keys: Vec::new(),
        };
        for label in &labels {
            let handle = open.find(label)?;
            let marks = open.marks(handle)?;
            open.keys.push(Key { handle, marks });
        }
        Ok(open)
    }

    fn session(&mut self, writes: bool) -> Result<Session, Failure> {
        if let Some(why) = &self.refused {
            return Err(Failure::Setup(why.clone()));
        }
        let slot = self.slot()?;
        let library = self.library()?;
        let session = if writes {
            library.open_rw_session(slot)?
        } else {
            library.open_ro_session(slot)?
        };
        let pin = self.pin()?;
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => {
                let failure = Failure::from(error);
                if failure.is_pin() {
                    self.refused = Some(REFUSED.to_owned());
                    return Err(Failure::Setup(REFUSED.to_owned()));
                }
                Err(failure)
            }
        }
    }

    fn library(&mut self) -> Result<Pkcs11, Failure> {
        if let Some(library) = &self.library {
            return Ok(library.clone());
        }
        let module = &self.settings.module;
        let library = Pkcs11::new(module).map_err(|error| {
            Failure::Setup(format!(
                "the PKCS#11 module {} can't be loaded: {error}",
                module.display()
            ))
        })?;
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match library.initialize(arguments) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(error.into()),
        }
        self.library = Some(library.clone());
        Ok(library)
    }

    /// A token that was taken away and put back may show only to a module that begins anew.
    fn forget_library(&mut self) {
        self.open = None;
        if let Some(library) = self.library.take()
            && let Err(error) = library.finalize()
        {
            tracing::debug!(%error, "the PKCS#11 module did not finalize");
        }
    }

    fn slot(&mut self) -> Result<Slot, Failure> {
        let library = self.library()?;
        let mut found = Vec::new();
        for slot in library.get_slots_with_token()? {
            if library.get_token_info(slot)?.label() == self.settings.label {
                found.push(slot);
            }
        }
        match found.as_slice() {
            [slot] => Ok(*slot),
            [] => Err(Failure::Setup(format!(
                "no token has the label `{}`",
                self.settings.label
            ))),
            _ => Err(Failure::Setup(format!(
                "several tokens have the label `{}`",
                self.settings.label
            ))),
        }
    }

    fn pin(&self) -> Result<AuthPin, Failure> {
        let text = match &self.settings.pin {
            Pin::File(path, readers) => {
                let text = read_private(path, *readers);
                let text = text.map_err(|error| Failure::Setup(error.to_string()))?;
                text.trim_end_matches(['\n', '\r']).into()
            }
            Pin::Text(text) => text.secret().expose().into(),
        };
        Ok(AuthPin::new(text))
    }
}

impl Open {
    fn key(&self, id: &str) -> Result<ObjectHandle, Failure> {
        let key = self.keys.iter().find(|key| key.marks.id == id);
        key.map(|key| key.handle)
            .ok_or_else(|| Failure::NotHere(id.to_owned()))
    }

    fn find(&self, label: &str) -> Result<ObjectHandle, Failure> {
        let wanted = [SECRET, Attribute::Label(label.into())];
        match self.session.find_objects(&wanted)?.as_slice() {
            [handle] => Ok(*handle),
            [] => Err(Failure::Setup(format!(
                "the token has no key with the label `{label}`; `keyway-vault new-token-key --label \
                 {label}` makes one"
            ))),
            _ => Err(Failure::Setup(format!(
                "the token has several keys with the label `{label}`"
            ))),
        }
    }

    fn marks(&self, key: ObjectHandle) -> Result<Generation, Failure> {
        use held_key_marks::{CONTEXT, NONCE, PLAINTEXT, of_answer};
        let (id, check_value) = of_answer(&self.encrypt(key, NONCE, CONTEXT, &PLAINTEXT)?)?;
        Ok(Generation { id, check_value })
    }

    fn encrypt(
        &self,
        key: ObjectHandle,
        mut nonce: [u8; 12],
        context: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let asked = nonce;
        let gcm = Mechanism::AesGcm(GcmParams::new(&mut nonce, context, TAG_BITS.into())?);
        let sealed = self.session.encrypt(&gcm, key, plaintext)?;
        if nonce == asked {
            Ok(sealed)
        } else {
            // Such a module chooses the nonce itself, and the envelope would name another.
            Err(Failure::Setup(
                "the module does not take the nonce of AES-GCM that it is given".to_owned(),
            ))
        }
    }

    fn decrypt(
        &self,
        key: ObjectHandle,
        opening: &HeldOpening,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut nonce = opening.nonce();
        let gcm = GcmParams::new(&mut nonce, opening.context(), TAG_BITS.into())?;
        let opened = self
            .session
            .decrypt(&Mechanism::AesGcm(gcm), key, opening.sealed())?;
        Ok(Zeroizing::new(opened))
    }
}

/// Used for nothing but this, and not to be taken out.
fn template(label: Attribute) -> [Attribute; 10] {
    [
        SECRET,
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(32.into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        label,
    ]
}

const SECRET: Attribute = Attribute::Class(ObjectClass::SECRET_KEY);
const TAG_BITS: u64 = 128;
const REFUSED: &str = "the token refuses the PIN; it is not offered again, since a token locks \
     after a few; correct master_key.pkcs11.pin_file and start the vault again";
