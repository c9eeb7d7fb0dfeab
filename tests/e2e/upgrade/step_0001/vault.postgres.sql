-- Keyway's vault database at step 0001, with two workspaces, written by the build of commit 1c267c3.
-- Its secrets are test data, and stand beside this file.
-- That build knew SQLite only: these are the rows of vault.sqlite.sql, converted by a script, under the
-- tables of migrations/src/vault/0001_start.postgres.sql.
BEGIN;
-- The vault's database, from the start, for PostgreSQL. Texts sort by their bytes, as in SQLite. Times
-- are microseconds since 1970 (UTC).

-- Generations of the master key that this database has seen. The keys themselves are elsewhere.
CREATE TABLE master_keys (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    generation  BIGINT NOT NULL UNIQUE,
    check_value TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL
);

-- One per owner and generation, wrapped by a master key. The owner `system` has one too: the keys
-- for fingerprints, token hashes and page tokens are derived from it.
CREATE TABLE data_keys (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner         TEXT COLLATE "C" NOT NULL,
    generation    BIGINT NOT NULL,
    master_key_id TEXT COLLATE "C" NOT NULL,
    wrapped       BYTEA NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    UNIQUE (owner, generation)
);

CREATE TABLE workspaces (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    display_name    TEXT COLLATE "C" NOT NULL,
    state           TEXT COLLATE "C" NOT NULL,
    state_reason    TEXT COLLATE "C" NOT NULL,
    policy          BYTEA NOT NULL, -- keyway.vault.v1.Policy
    operator_limits BYTEA NOT NULL, -- keyway.vault.v1.OperatorLimits
    version         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);

CREATE TABLE members (
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    subject    TEXT COLLATE "C" NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, subject)
);

CREATE TABLE tokens (
    accessor        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash            BYTEA NOT NULL UNIQUE,
    workspace       TEXT COLLATE "C" REFERENCES workspaces (id),
    subject         TEXT COLLATE "C" NOT NULL,
    role            TEXT COLLATE "C" NOT NULL,
    source_networks TEXT COLLATE "C" NOT NULL, -- JSON array of CIDR texts
    label           TEXT COLLATE "C" NOT NULL,
    expires_at      BIGINT NOT NULL,
    revoked_at      BIGINT,
    created_at      BIGINT NOT NULL
);
CREATE INDEX tokens_by_member ON tokens (workspace, subject);

-- How many live keys a pool has, written with the rows: a row that is counted and not found is
-- unreadable, never absent.
CREATE TABLE key_pools (
    owner      TEXT COLLATE "C" NOT NULL,
    provider   TEXT COLLATE "C" NOT NULL,
    selection  TEXT COLLATE "C" NOT NULL,
    live_count BIGINT NOT NULL,
    PRIMARY KEY (owner, provider)
);

CREATE TABLE keys (
    row_id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner          TEXT COLLATE "C" NOT NULL,
    provider       TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    version        BIGINT NOT NULL,
    data_key_id    TEXT COLLATE "C" NOT NULL,
    envelope       BYTEA NOT NULL, -- emptied when the key is deleted
    mask           TEXT COLLATE "C" NOT NULL,
    fingerprint    TEXT COLLATE "C" NOT NULL,
    place          BIGINT NOT NULL,
    disabled       BOOLEAN NOT NULL,
    expires_at     BIGINT,
    allowed_models TEXT COLLATE "C" NOT NULL, -- JSON array
    label          TEXT COLLATE "C" NOT NULL,
    health         TEXT COLLATE "C" NOT NULL,
    health_reason  TEXT COLLATE "C" NOT NULL,
    health_until   BIGINT,
    change_number  BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deleted_at     BIGINT 
);
CREATE UNIQUE INDEX keys_live ON keys (owner, provider, name) WHERE deleted_at IS NULL;

-- The change feed: one row that says where it is, and the changes themselves.
CREATE TABLE feed (
    "only"   BIGINT NOT NULL PRIMARY KEY CHECK ("only" = 1), -- a word of SQL
    epoch    TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL
);

CREATE TABLE changes (
    revision   BIGINT NOT NULL PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    owner      TEXT COLLATE "C" NOT NULL,
    provider   TEXT COLLATE "C" NOT NULL,
    accessor   TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

-- Who did what. Each row's hash covers the one before it.
CREATE TABLE audit_heads (
    chain    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash     BYTEA NOT NULL
);

CREATE TABLE audit_rows (
    chain    TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    time     BIGINT NOT NULL,
    accessor TEXT COLLATE "C" NOT NULL,
    subject  TEXT COLLATE "C" NOT NULL,
    rpc      TEXT COLLATE "C" NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    facts    TEXT COLLATE "C" NOT NULL,
    hash     BYTEA NOT NULL,
    PRIMARY KEY (chain, sequence)
);

-- Answers to requests that carried a request_id. They never hold a secret.
CREATE TABLE requests (
    scope      TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    body_hash  BYTEA NOT NULL,
    response   BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (scope, request_id)
);
CREATE INDEX requests_by_age ON requests (created_at);
CREATE TABLE seaql_migrations (version VARCHAR NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL);
INSERT INTO master_keys ("id", "generation", "check_value", "created_at") VALUES ('17cda915b561f7c4', 1, '04601187d511013b', 1795612596525070);
INSERT INTO data_keys ("id", "owner", "generation", "master_key_id", "wrapped", "state", "created_at") VALUES ('01a212d9-d92d-73b5-8fd7-861e6fb194f2', 'system', 1, '17cda915b561f7c4', '\x4b5745010110313763646139313562353631663763342016cb3b31fb78eb73bf1f133a0a5de5eecb256232a48e119f473f69a1d3cb36fc02cb022358b236023980153da9f21879f714cbf92225b7fab48a43ad0113cc5c6a7f63b37c3cb4f71a5cdc00305c4448c8997bd2c9e341379e449e244519cdc9e41a92d6ef63abb6343bd93979a51f4f1c3285aa278eb2056fee3073aa', 'ACTIVE', 1795612596525070);
INSERT INTO data_keys ("id", "owner", "generation", "master_key_id", "wrapped", "state", "created_at") VALUES ('01a212d9-d96d-710c-bb1f-5d52132a3b53', 'platform', 1, '17cda915b561f7c4', '\x4b574501011031376364613931356235363166376334c152c2e30eb294c0317b6de776287932d6f435d1bb2a69056f9ff2ad4b2d21436bed1aec069543333143351cd9e79c61a9003cf90020f55c687e2a2118fe9ed4d65da41d47c4fc966af735160030f612c1ae4e6f5cd04d7ec39eea50749fbd30982645b77c0c70a77094a586c2f1e7b778d067a9d67ce4978c52de9c7cc0', 'ACTIVE', 1795612596588749);
INSERT INTO data_keys ("id", "owner", "generation", "master_key_id", "wrapped", "state", "created_at") VALUES ('01a212d9-db3d-7002-b4d3-5387ed4f7840', 'workspaces/north', 1, '17cda915b561f7c4', '\x4b574501011031376364613931356235363166376334190162a369193545767068e1e1a40f1789ba896a6694dd485828d6ca71143d17c4f9292a833a3ac50629a44388c74d3bd256c5d875cdabd8f8ffcdf8c4d22b2d885c72302c0771c7ac17c0490030a8c508dfcc140da4db2dc5106b4cad828cbedbcc3e9d0f837727c32520d066e819416ea1e86b3bfc70dbdbc6b3369568', 'ACTIVE', 1795612597052893);
INSERT INTO data_keys ("id", "owner", "generation", "master_key_id", "wrapped", "state", "created_at") VALUES ('01a212d9-db82-71d3-8755-bdc468febadc', 'workspaces/south', 1, '17cda915b561f7c4', '\x4b574501011031376364613931356235363166376334053291e83e645337f6aa9600e1f77ab1c3e67c528383173eaeaadc942b672122b87f65776f8a49817434da7eac393ed486f6a703dd6c1391339546b935af25c785dc983dcaf87a3577dc225b0030d18ff808b099f974981b9475714927bf2835239c5fad7e9ba1f4c0d7f7983efbe7bd9a2fa3df97bda8cb96b7938a9268', 'ACTIVE', 1795612597122004);
INSERT INTO workspaces ("id", "display_name", "state", "state_reason", "policy", "operator_limits", "version", "created_at", "updated_at") VALUES ('demo', 'Demo', 'WORKSPACE_STATE_ACTIVE', '', '\x', '\x', 1, 1795612596621250, 1795612596621250);
INSERT INTO workspaces ("id", "display_name", "state", "state_reason", "policy", "operator_limits", "version", "created_at", "updated_at") VALUES ('north', 'Made by a test', 'WORKSPACE_STATE_ACTIVE', '', '\x', '\x', 1, 1795612596967471, 1795612596967471);
INSERT INTO workspaces ("id", "display_name", "state", "state_reason", "policy", "operator_limits", "version", "created_at", "updated_at") VALUES ('south', 'Made by a test', 'WORKSPACE_STATE_ACTIVE', '', '\x', '\x', 1, 1795612596998451, 1795612596998451);
INSERT INTO members ("workspace", "subject", "role", "created_at", "updated_at") VALUES ('demo', 'service:demo-admin', 'admin', 1795612596621250, 1795612596621250);
INSERT INTO members ("workspace", "subject", "role", "created_at", "updated_at") VALUES ('north', 'service:ana', 'admin', 1795612597015450, 1795612597015450);
INSERT INTO members ("workspace", "subject", "role", "created_at", "updated_at") VALUES ('north', 'service:auditing', 'reader', 1795612597022865, 1795612597022865);
INSERT INTO members ("workspace", "subject", "role", "created_at", "updated_at") VALUES ('north', 'service:first-admin', 'admin', 1795612596967471, 1795612596967471);
INSERT INTO members ("workspace", "subject", "role", "created_at", "updated_at") VALUES ('south', 'service:ana', 'admin', 1795612597100110, 1795612597100110);
INSERT INTO members ("workspace", "subject", "role", "created_at", "updated_at") VALUES ('south', 'service:auditing', 'reader', 1795612597102605, 1795612597102605);
INSERT INTO members ("workspace", "subject", "role", "created_at", "updated_at") VALUES ('south', 'service:first-admin', 'admin', 1795612596998451, 1795612596998451);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-d931-7676-96c4-961eac9909dd', '\x6bca5231c0abafc8085f83f735eb52e7167783e42fb4e686b816e9cb636625fa', NULL, 'service:bootstrap', 'operator', '[]', 'made by keyway-vault bootstrap', 1827148596529469, NULL, 1795612596529469);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-d991-712b-9277-862dd7eaa100', '\x744136c0e5fec75314a363fe7cc938bd56a962caea29000bfca92fe09507a3bf', 'demo', 'service:demo-admin', 'admin', '[]', 'demo admin', 1803388596624850, NULL, 1795612596624850);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-d999-73b8-bf39-cc8d3543de5e', '\x558a95e0fd1611238ec08d40d658048e5595cc0f749d1329c4c894a3a0a8b933', 'demo', 'service:demo-admin', 'caller', '[]', 'demo calls', 1803388596633054, NULL, 1795612596633054);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-daf5-7701-a15f-a058f21393ba', '\xc9a7b236f718e7dd3a0d37d83d2f39321898f4ac4de50fc17754d66223e8c12b', 'north', 'service:first-admin', 'admin', '[]', '', 1803388596981376, NULL, 1795612596981376);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-db04-7287-a4b9-ba1a33bbebff', '\x32913da698de5d69c9cf43becba358cfdc8413fc6020f795ceb9a90aae535295', 'north', 'service:first-admin', 'caller', '[]', '', 1803388596996236, NULL, 1795612596996236);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-db10-7552-877b-187709b0a19f', '\xfc7b3da4d01d3f03d026030a942a35c0a773cc9bcd1e171f1050d9b53723530c', 'south', 'service:first-admin', 'admin', '[]', '', 1803388597008116, NULL, 1795612597008116);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-db15-7270-8036-166776f4c4e6', '\x0b21de4791f365bd3a9ce4a1c8eb28cd5fc5718fa1bc8833e03706426f391d57', 'south', 'service:first-admin', 'caller', '[]', '', 1803388597013034, NULL, 1795612597013034);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-db29-72ba-bc6d-d7c4f2825d49', '\xe0c532ba35a40f0e6a958588621b00cbc1f7c29993d8ebba39f393f1743a1e06', 'north', 'service:first-admin', 'caller', '[]', 'made at step 0001', 1803388597033624, NULL, 1795612597033624);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-db35-7194-a651-d191dd219177', '\x55ad0f4f6344d1660ef560714c2c6a35a1097790a68cf6f806bf3a53fc92beb4', 'north', 'service:ana', 'admin', '[]', 'made at step 0001', 1803388597044827, NULL, 1795612597044827);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-db71-7495-9ce7-f6660c2fa319', '\x9c227d8d94df9cbcbf7566acdb00274c8a18544c9c2f926aff2e882b1cacc685', 'south', 'service:first-admin', 'caller', '[]', 'made at step 0001', 1803388597105059, NULL, 1795612597105059);
INSERT INTO tokens ("accessor", "hash", "workspace", "subject", "role", "source_networks", "label", "expires_at", "revoked_at", "created_at") VALUES ('01a212d9-db77-70a8-a137-6cea74fe5dc3', '\xb4dab5e52bda1d32e689752d741ea8a3bd630718929363cd0e61d57a821401fe', 'south', 'service:ana', 'admin', '[]', 'made at step 0001', 1803388597110050, NULL, 1795612597110050);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('platform', 'anthropic', 'POOL_ORDER_SPREAD', 1);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('platform', 'exa', 'POOL_ORDER_SPREAD', 1);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('platform', 'openai', 'POOL_ORDER_SPREAD', 1);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('workspaces/north', 'anthropic', 'POOL_ORDER_ORDERED', 1);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('workspaces/north', 'exa', 'POOL_ORDER_ORDERED', 0);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('workspaces/north', 'openai', 'POOL_ORDER_ORDERED', 1);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('workspaces/south', 'anthropic', 'POOL_ORDER_ORDERED', 1);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('workspaces/south', 'exa', 'POOL_ORDER_ORDERED', 0);
INSERT INTO key_pools ("owner", "provider", "selection", "live_count") VALUES ('workspaces/south', 'openai', 'POOL_ORDER_ORDERED', 1);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-d96c-7794-86f1-7d6333db68c3', 'platform', 'openai', 'default', 1, '01a212d9-d96d-710c-bb1f-5d52132a3b53', '\x4b574501012430316132313264392d643936642d373130632d626231662d356435323133326133623533a659a459ec96e077d8532cc64ff4f3176b97d42d5061fbe1124f7108e9fdbbac662db49bc7a73faafad3b23b0526418d767714abe11a74521d4a32cb1aeab3cf27cea3b21087c6e9a3dd4c84003124ccd9d7a610667c973ad2482459c35ecd13ed1f6262f20f8d797c5116d34c05bf49dfb054e122e02aa1c5a04a430c083c', '…sted', '52d050607a86b888', 0, FALSE, NULL, '[]', 'stored by the launcher: simulator', 'ACTIVE', '', NULL, 1, 1795612596588749, 1795612596588749, NULL);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-d979-76ac-b974-922b0d75a852', 'platform', 'anthropic', 'default', 1, '01a212d9-d96d-710c-bb1f-5d52132a3b53', '\x4b574501012430316132313264392d643936642d373130632d626231662d356435323133326133623533bd2b3b698b74d9cfe4cb0a1fd3951185b40a2e5585af2750c8f737dd30bb078569588ac2b69c61a811b0c27444cd8e91546fa11a84e4c0ef2992c30ecb5ff4577a10e2504bb043bbafbe16a700345e022af6e319615ea0f6bc9489db3a76f18d23df97fbcd85bd1a80ac86090c6fd6cabf9b2c5b9552aa7ec4b2c33ece4697ff6e76', '…sted', '6f03fd408b331b6f', 0, FALSE, NULL, '[]', 'stored by the launcher: simulator', 'ACTIVE', '', NULL, 1, 1795612596601563, 1795612596601563, NULL);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-d985-71b5-8e1f-7f3f969c59ce', 'platform', 'exa', 'default', 1, '01a212d9-d96d-710c-bb1f-5d52132a3b53', '\x4b574501012430316132313264392d643936642d373130632d626231662d3564353231333261336235330f5a3e8c5f737250f5861ed69d894b5fdcefd85839633bb353296183e1c1fe337811e7f2386cd61d05d0f915b1a686b8111e5ffc15a05fcf31ee27fb499a91faac269a62e8833b7344d387c9002ec8753ec75f5f5d4a76d5e3cf6a0d7cb79032528a68a5724cd27c81bd052e5bc21ead207b36fd23971847b0b54c16', '…sted', 'd14ad8389c577389', 0, FALSE, NULL, '[]', 'stored by the launcher: simulator', 'ACTIVE', '', NULL, 1, 1795612596613412, 1795612596613412, NULL);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-db3d-7002-b4d3-5386bb38ddd7', 'workspaces/north', 'openai', 'default', 1, '01a212d9-db3d-7002-b4d3-5387ed4f7840', '\x4b574501012430316132313264392d646233642d373030322d623464332d353338376564346637383430e2c62939767d92d3b5f4a5c2c79c345ec64ddb2d6d6150d5b3483308d972ad6b8dff2031b714157efda38603f6f367a7cafb6bb06903eb60040870e62ef6b4012dc2f891418cfdc5e2e00b7f00346b4ad8e4cfe4e3738e2b2d7263a229cb8d99ad1c4d4412a1abf813270423f113fd82e34605691b13d44194590093764aea387724', '…orth', '9f74299807c946b5', 0, FALSE, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 1795612597052893, 1795612597052893, NULL);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-db53-7542-b5dd-3617396884d5', 'workspaces/north', 'anthropic', 'default', 1, '01a212d9-db3d-7002-b4d3-5387ed4f7840', '\x4b574501012430316132313264392d646233642d373030322d623464332d3533383765643466373834309e9364d4a4510e6318e10859bf0493d03d669f4e2039296a0198bd51cf1fab39adf5850cc34005713383a77fac1b5d3b949795cf71e6cdbf9bc4aee5c25be41de61992f3eab73ded3402d5c20031e70879058bbaed815a7d9b1e741c4446c66501d71647f47ed1966d8151ed34ec1b48c2b00c2d3ab2fa44afbaa4c2793b63', '…orth', 'fd9cb042fecd61bc', 0, FALSE, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 1795612597071754, 1795612597071754, NULL);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-db64-71de-8610-b83b7830cbec', 'workspaces/north', 'exa', 'default', 1, '01a212d9-db3d-7002-b4d3-5387ed4f7840', '\x', '…gone', '', 0, FALSE, NULL, '[]', '', 'ACTIVE', '', NULL, 2, 1795612597091725, 1795612597095212, 1795612597095212);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-db82-71d3-8755-bdc38c925b4e', 'workspaces/south', 'openai', 'default', 1, '01a212d9-db82-71d3-8755-bdc468febadc', '\x4b574501012430316132313264392d646238322d373164332d383735352d6264633436386665626164636fbac7c1b2f6b159a1d96db6b1b228b50cc26ae6bf41f53f4bfc952eeb2b3ee1afd13012f29085bbd3ef3d65da64fa690388b9b48f344f86c70b84deda60a06ffba7648e9e00cf33ca4764250034f00cbca413c350f5117eeffb4a1a9c1da3dbeb2ed15c11698472450c064530094c2e5b238c27bde416858cbe5277f05289ae055e', '…outh', '36df2002ba52adae', 0, FALSE, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 1795612597122004, 1795612597122004, NULL);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-db8c-728e-955f-b2295f9645ac', 'workspaces/south', 'anthropic', 'default', 1, '01a212d9-db82-71d3-8755-bdc468febadc', '\x4b574501012430316132313264392d646238322d373164332d383735352d6264633436386665626164633bd8270cb32d5bd0a2afeaad2a4b7d81028ec2d79ad8b6720dbe5b25baad3b5f07ecaa5320031d48cf24a29d2e0f862c1fc35f089af94a58c778c0bf06d529673506f445b42f7398cade94280031a51ae2461261d48d4b1a10d22a1f60a927d9cb9eb0553e6170cfe77f91eccab79b68d24d8f46e78cdea78b19a9ab97e93e', '…outh', '698cff56224f4809', 0, FALSE, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 1795612597132180, 1795612597132180, NULL);
INSERT INTO keys ("row_id", "owner", "provider", "name", "version", "data_key_id", "envelope", "mask", "fingerprint", "place", "disabled", "expires_at", "allowed_models", "label", "health", "health_reason", "health_until", "change_number", "created_at", "updated_at", "deleted_at") VALUES ('01a212d9-db93-7285-b5aa-f78c73668951', 'workspaces/south', 'exa', 'default', 1, '01a212d9-db82-71d3-8755-bdc468febadc', '\x', '…gone', '', 0, FALSE, NULL, '[]', '', 'ACTIVE', '', NULL, 2, 1795612597139130, 1795612597142973, 1795612597142973);
INSERT INTO feed ("only", "epoch", "revision") VALUES (1, '01a212d9-d92d-73b5-8fd7-861dbbd69d3e', 18);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (1, 'CHANGE_KIND_KEY', 'platform', 'openai', '', '', 1795612596588749);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (2, 'CHANGE_KIND_KEY', 'platform', 'anthropic', '', '', 1795612596601563);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (3, 'CHANGE_KIND_KEY', 'platform', 'exa', '', '', 1795612596613412);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (4, 'CHANGE_KIND_WORKSPACE', 'workspaces/demo', '', '', '', 1795612596621250);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (5, 'CHANGE_KIND_WORKSPACE', 'workspaces/north', '', '', '', 1795612596967471);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (6, 'CHANGE_KIND_WORKSPACE', 'workspaces/south', '', '', '', 1795612596998451);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (7, 'CHANGE_KIND_MEMBER', 'workspaces/north', '', '', 'service:ana', 1795612597015450);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (8, 'CHANGE_KIND_MEMBER', 'workspaces/north', '', '', 'service:auditing', 1795612597022865);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (9, 'CHANGE_KIND_KEY', 'workspaces/north', 'openai', '', '', 1795612597052893);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (10, 'CHANGE_KIND_KEY', 'workspaces/north', 'anthropic', '', '', 1795612597071754);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (11, 'CHANGE_KIND_KEY', 'workspaces/north', 'exa', '', '', 1795612597091725);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (12, 'CHANGE_KIND_KEY', 'workspaces/north', 'exa', '', '', 1795612597095212);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (13, 'CHANGE_KIND_MEMBER', 'workspaces/south', '', '', 'service:ana', 1795612597100110);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (14, 'CHANGE_KIND_MEMBER', 'workspaces/south', '', '', 'service:auditing', 1795612597102605);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (15, 'CHANGE_KIND_KEY', 'workspaces/south', 'openai', '', '', 1795612597122004);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (16, 'CHANGE_KIND_KEY', 'workspaces/south', 'anthropic', '', '', 1795612597132180);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (17, 'CHANGE_KIND_KEY', 'workspaces/south', 'exa', '', '', 1795612597139130);
INSERT INTO changes ("revision", "kind", "owner", "provider", "accessor", "subject", "created_at") VALUES (18, 'CHANGE_KIND_KEY', 'workspaces/south', 'exa', '', '', 1795612597142973);
INSERT INTO audit_heads ("chain", "sequence", "hash") VALUES ('system', 7, '\x2ff87eaeddf9e8c1c54604e9441e625b7bdfc39ae5d19d330c392dd2d2651304');
INSERT INTO audit_heads ("chain", "sequence", "hash") VALUES ('workspaces/demo', 3, '\x8f13d2586247505bb15114451a36397bdd0f84aeedc1cea7a8eb85fbb330a3bc');
INSERT INTO audit_heads ("chain", "sequence", "hash") VALUES ('workspaces/north', 13, '\x2e2f742ab12c90b9a35be3948b965a94dbafedf1271ff55980afa08fc497065b');
INSERT INTO audit_heads ("chain", "sequence", "hash") VALUES ('workspaces/south', 14, '\x3756ff5bb512a62e2ecd3ff1ab13c46e08e90982f898923b517d7e94f3235fda');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('system', 1, 1795612596529469, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway-vault bootstrap', 'tokens/01a212d9-d931-7676-96c4-961eac9909dd', 'ALLOWED', '', '{"role":"operator","expires_at":1827148596529469}', '\xe646f1e51ccad8af06cff9d78870f6c38c5702417dbfad7c4ae41f908f26695f');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('system', 2, 1795612596588749, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.KeyService/PutKey', 'platform/keys/openai/default', 'ALLOWED', '', '{"version":1,"fingerprint":"52d050607a86b888","mask":"…sted","new":true}', '\x6991e78c5471e1a78823d66ef21613b50cdb20a8a1b481af482d37edd4fb771e');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('system', 3, 1795612596601563, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.KeyService/PutKey', 'platform/keys/anthropic/default', 'ALLOWED', '', '{"version":1,"fingerprint":"6f03fd408b331b6f","mask":"…sted","new":true}', '\xa145eaa62d57ca2d3ba40cda04c8d12c5b8e226057a695239ba49a15f808d8fc');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('system', 4, 1795612596613412, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.KeyService/PutKey', 'platform/keys/exa/default', 'ALLOWED', '', '{"version":1,"fingerprint":"d14ad8389c577389","mask":"…sted","new":true}', '\xfe9e780aa8e91e341243fe53963aa3130a2cbbd3bcb3449c43337c746c4ccc91');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('system', 5, 1795612596621250, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/demo', 'ALLOWED', '', '{"first_admin":"service:demo-admin"}', '\x0caf7b80e84def5351909540895c4563277f1b984c5deef7204e11282e90f940');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('system', 6, 1795612596967471, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/north', 'ALLOWED', '', '{"first_admin":"service:first-admin"}', '\xa65862bac1cf19a466f4e762907a62c5ee88ca3465ba17d73ec2d15ad86777c0');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('system', 7, 1795612596998451, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/south', 'ALLOWED', '', '{"first_admin":"service:first-admin"}', '\x2ff87eaeddf9e8c1c54604e9441e625b7bdfc39ae5d19d330c392dd2d2651304');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/demo', 1, 1795612596621250, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/demo', 'ALLOWED', '', '{"first_admin":"service:demo-admin"}', '\x3104c62da6cd776a09960352632664f1de94ad72d3c3aa7e224eb82792888506');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/demo', 2, 1795612596624850, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-d991-712b-9277-862dd7eaa100', 'ALLOWED', '', '{"subject":"service:demo-admin","role":"admin","expires_at":1803388596624850,"source_networks":"[]","reason":"the launcher has no token of the demo admin"}', '\x28ac864cf40c7d280d79f405bafcd0c4758324636767430460ff0bdece4799df');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/demo', 3, 1795612596633054, '01a212d9-d991-712b-9277-862dd7eaa100', 'service:demo-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-d999-73b8-bf39-cc8d3543de5e', 'ALLOWED', '', '{"subject":"service:demo-admin","role":"caller","expires_at":1803388596633054,"source_networks":"[]","reason":""}', '\x8f13d2586247505bb15114451a36397bdd0f84aeedc1cea7a8eb85fbb330a3bc');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 1, 1795612596967471, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/north', 'ALLOWED', '', '{"first_admin":"service:first-admin"}', '\xa8565b0b889b20fe1f009205ae47734e15c1deb16efbb16d9495ea3d25acb117');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 2, 1795612596981376, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-daf5-7701-a15f-a058f21393ba', 'ALLOWED', '', '{"subject":"service:first-admin","role":"admin","expires_at":1803388596981376,"source_networks":"[]","reason":"the first admin"}', '\x2d75b4b94061748f3a1429e562ede2e6a7f4434ed235e0377fe948007152a1af');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 3, 1795612596996236, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-db04-7287-a4b9-ba1a33bbebff', 'ALLOWED', '', '{"subject":"service:first-admin","role":"caller","expires_at":1803388596996236,"source_networks":"[]","reason":""}', '\x8acf34939570ab927a41d9515e67e2630136719af75d6cf1bcd0c92b9b6da212');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 4, 1795612597015450, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.MemberService/Put', 'workspaces/north/members/service:ana', 'ALLOWED', '', '{"from":null,"to":"admin","reason":""}', '\x09501eccb40261a58eee509b6355a833003a1c7ed98c1487c6a2bc08744dbfef');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 5, 1795612597022865, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.MemberService/Put', 'workspaces/north/members/service:auditing', 'ALLOWED', '', '{"from":null,"to":"reader","reason":""}', '\x72fecf88865d92dfbb62f4b134888dd02f2a315eb9fa4b9131d93366b0200084');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 6, 1795612597033624, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-db29-72ba-bc6d-d7c4f2825d49', 'ALLOWED', '', '{"subject":"service:first-admin","role":"caller","expires_at":1803388597033624,"source_networks":"[]","reason":""}', '\x50beb4c5205d9fd089e6048f3c926cac9369adba87a0ccf0545a1f1f09693634');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 7, 1795612597044827, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-db35-7194-a651-d191dd219177', 'ALLOWED', '', '{"subject":"service:ana","role":"admin","expires_at":1803388597044827,"source_networks":"[]","reason":""}', '\x1fd43740390e45b7cfe1d72242e3f8ba6d3dc5817cf970e13ba9ef384d981d8a');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 8, 1795612597052893, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/north/keys/openai/default', 'ALLOWED', '', '{"version":1,"fingerprint":"9f74299807c946b5","mask":"…orth","new":true}', '\x6bd042ef89e1e61fe1c1423713d8f11de03cab29d1ef1082a4cb2b3f44356e00');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 9, 1795612597071754, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/north/keys/anthropic/default', 'ALLOWED', '', '{"version":1,"fingerprint":"fd9cb042fecd61bc","mask":"…orth","new":true}', '\x400c97730202b6a5a258f1cbacd81cdf9e5449ef423ec1fe920eb6b43e9172e2');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 10, 1795612597091725, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/north/keys/exa/default', 'ALLOWED', '', '{"version":1,"fingerprint":"1a361f803ba641b5","mask":"…gone","new":true}', '\x642634a41a408de6c619929764d86cb760f51199c04209e9bf3e30e3c69c0bdb');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 11, 1795612597095212, '01a212d9-daf5-7701-a15f-a058f21393ba', 'service:first-admin', 'keyway.vault.v1.KeyService/DeleteKey', 'workspaces/north/keys/exa/default', 'ALLOWED', '', '{"version":1,"row_found":true}', '\x0916ed25434a36f052cb26cff2bff6a97ac0afe88e80f34ba4d72c05d1a3f2cf');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 12, 1795612597151013, 'router:local', 'router:local', 'keyway.vault.v1.LeaseService/ResolveKeys', 'workspaces/north', 'ALLOWED', '', '{"provider":"openai","call_id":"01a212d9-db9e-712d-b21a-7b3d28e8fb2d","own":[{"name":"workspaces/north/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}', '\x02fb1fe1b05b03ca242139cfce28bef25caf313bac99894eef19355cb1cdd206');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/north', 13, 1795612597166762, 'router:local', 'router:local', 'keyway.vault.v1.LeaseService/ResolveKeys', 'workspaces/north', 'ALLOWED', '', '{"provider":"anthropic","call_id":"01a212d9-dbae-7558-b3d4-4b0a193b2fdf","own":[{"name":"workspaces/north/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}', '\x2e2f742ab12c90b9a35be3948b965a94dbafedf1271ff55980afa08fc497065b');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 1, 1795612596998451, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.WorkspaceService/Create', 'workspaces/south', 'ALLOWED', '', '{"first_admin":"service:first-admin"}', '\x9c83b4bd1451c655a2bda7e141c191aea90ddb0d8238bf70c60b97b04ce1ddd5');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 2, 1795612597008116, '01a212d9-d931-7676-96c4-961eac9909dd', 'service:bootstrap', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-db10-7552-877b-187709b0a19f', 'ALLOWED', '', '{"subject":"service:first-admin","role":"admin","expires_at":1803388597008116,"source_networks":"[]","reason":"the first admin"}', '\xe8e8a6f679c44a971d93c808ee21e586d1eec6152e9a642da1f3a3d8368cb3bd');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 3, 1795612597013034, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-db15-7270-8036-166776f4c4e6', 'ALLOWED', '', '{"subject":"service:first-admin","role":"caller","expires_at":1803388597013034,"source_networks":"[]","reason":""}', '\x07e75bbbc3ff647c215042864453d41aeff963867135f479986a900b38a80883');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 4, 1795612597100110, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.MemberService/Put', 'workspaces/south/members/service:ana', 'ALLOWED', '', '{"from":null,"to":"admin","reason":""}', '\xeec984aa4a4b41a970b36a6d1e7fe229bd9ec4a600c129925bab832e8d40e52f');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 5, 1795612597102605, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.MemberService/Put', 'workspaces/south/members/service:auditing', 'ALLOWED', '', '{"from":null,"to":"reader","reason":""}', '\xf7fe536a46569c2c63c43e66f7546314e61abc32ed6e5a9bc3e9fd462b91a3c2');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 6, 1795612597105059, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-db71-7495-9ce7-f6660c2fa319', 'ALLOWED', '', '{"subject":"service:first-admin","role":"caller","expires_at":1803388597105059,"source_networks":"[]","reason":""}', '\xf0ac625dd5b637232e0e133c7b22059f0612b04105880fdbfb9e034495f3d746');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 7, 1795612597110050, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.TokenService/Create', 'tokens/01a212d9-db77-70a8-a137-6cea74fe5dc3', 'ALLOWED', '', '{"subject":"service:ana","role":"admin","expires_at":1803388597110050,"source_networks":"[]","reason":""}', '\x298ea5aa2844fa34d0889f206c8b7c87158637c6d42d4cde55763d5eff76b325');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 8, 1795612597122004, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/south/keys/openai/default', 'ALLOWED', '', '{"version":1,"fingerprint":"36df2002ba52adae","mask":"…outh","new":true}', '\xa35e3b16dd5e13e80852f9885307bc6af37b1f406f65ee05c6a38eddbd915c25');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 9, 1795612597132180, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/south/keys/anthropic/default', 'ALLOWED', '', '{"version":1,"fingerprint":"698cff56224f4809","mask":"…outh","new":true}', '\x1c423861e93ff0cc528f9be5f6be89a86eeaf3bd5f0ff34059e97e4da9b0d4c1');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 10, 1795612597139130, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.KeyService/PutKey', 'workspaces/south/keys/exa/default', 'ALLOWED', '', '{"version":1,"fingerprint":"ff7cef0a2e3f15c8","mask":"…gone","new":true}', '\xccb381a12583f2833e27968c92d9a6c04c158da7068b6a739492356a08e0c1b4');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 11, 1795612597142973, '01a212d9-db10-7552-877b-187709b0a19f', 'service:first-admin', 'keyway.vault.v1.KeyService/DeleteKey', 'workspaces/south/keys/exa/default', 'ALLOWED', '', '{"version":1,"row_found":true}', '\x52451771bc9823af75ffd1100090e9a97d7b444ff78769c36e269ab640e86423');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 12, 1795612597147467, '01a212d9-db15-7270-8036-166776f4c4e6', 'service:first-admin', 'keyway.vault.v1.KeyService/PutKey', '', 'DENIED', 'DENIED', '{}', '\x20d90a97e480f160cc5d82e82d75d7d5e5be197b732bdeba739181266b00c6a0');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 13, 1795612597199087, 'router:local', 'router:local', 'keyway.vault.v1.LeaseService/ResolveKeys', 'workspaces/south', 'ALLOWED', '', '{"provider":"openai","call_id":"01a212d9-dbce-730c-ae86-63577123b385","own":[{"name":"workspaces/south/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}', '\x157f93f6a3c429bd2fc890d247574a8a0129fd9853a90ce1f8757656830f5f4b');
INSERT INTO audit_rows ("chain", "sequence", "time", "accessor", "subject", "rpc", "resource", "decision", "reason", "facts", "hash") VALUES ('workspaces/south', 14, 1795612597211574, 'router:local', 'router:local', 'keyway.vault.v1.LeaseService/ResolveKeys', 'workspaces/south', 'ALLOWED', '', '{"provider":"anthropic","call_id":"01a212d9-dbdb-7206-a988-7ac74a7381f7","own":[{"name":"workspaces/south/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}', '\x3756ff5bb512a62e2ecd3ff1ab13c46e08e90982f898923b517d7e94f3235fda');
INSERT INTO seaql_migrations ("version", "applied_at") VALUES ('vault_0001_start', 1795612596);
COMMIT;
