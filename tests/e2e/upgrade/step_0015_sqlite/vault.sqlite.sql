PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "seaql_migrations" ( "version" varchar NOT NULL PRIMARY KEY, "applied_at" integer NOT NULL );
INSERT INTO seaql_migrations VALUES('vault_0001_start',1795669627);
INSERT INTO seaql_migrations VALUES('vault_0002_keys',1795669627);
INSERT INTO seaql_migrations VALUES('vault_0003_audit',1795669627);
INSERT INTO seaql_migrations VALUES('vault_0004_admin',1795669627);
INSERT INTO seaql_migrations VALUES('vault_0005_feed',1795669627);
INSERT INTO seaql_migrations VALUES('vault_0006_members_by_subject',1795669627);
INSERT INTO seaql_migrations VALUES('vault_0014_lists',1795669627);
INSERT INTO seaql_migrations VALUES('vault_0015_versions',1795669627);
CREATE TABLE master_keys (
    id          TEXT    NOT NULL PRIMARY KEY,
    generation  INTEGER NOT NULL UNIQUE,
    check_value TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
, retired_at INTEGER) STRICT;
INSERT INTO master_keys VALUES('ebe78a0c897a2ffd',1,'3c47868c01975393',1795669627134521,NULL);
CREATE TABLE data_keys (
    id            TEXT    NOT NULL PRIMARY KEY,
    owner         TEXT    NOT NULL,
    generation    INTEGER NOT NULL,
    master_key_id TEXT    NOT NULL,
    wrapped       BLOB    NOT NULL,
    state         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    UNIQUE (owner, generation)
) STRICT;
INSERT INTO data_keys VALUES('01a21640-1101-75a3-8c1b-a039f3e481a0','system',1,'ebe78a0c897a2ffd',X'4b57450101106562653738613063383937613266666483ebb3a18703d878b3acef82aa64fd486f6afe392832793390d705cb0a3a3f2d63eefb9e0386ba856b11cc40ff4ac24bdf427670464a3f48df15400c9469f527a20d4995b834e27493460ba9003066d080b7aa04bc3cc2b7c5faefa83117b6585b351aadd46a0a58cb4101966d8eb506fa82d96efe192f7fdd1387024ffd','ACTIVE',1795669627134521);
INSERT INTO data_keys VALUES('01a21640-1169-77bb-9ea9-4d958f5b382c','platform',1,'ebe78a0c897a2ffd',X'4b5745010110656265373861306338393761326666641e9aba7fce9b34b42b113a05c62b73acea5ebf0bea611b5187878b6eac5be6eadfe35ef6bc07e2df79b2f191bb84dcf20239161490a12dd15a590f72d0fa8bb2f39b30979b7d15283256291f0030911c898a4e43ce4c40021a77fd968efb6355383528da3bad9f2e473d608f2dc8e52460b33f7aa4e9fae53a4453c00c04','ACTIVE',1795669627241057);
INSERT INTO data_keys VALUES('01a21640-154f-70fc-abcf-92fd91d349cf','workspaces/north',1,'ebe78a0c897a2ffd',X'4b57450101106562653738613063383937613266666499dc18cfbd8a7e34d2a6aab1b1b1739cef80592e23338038f6de07a82e6bda5a69eaf2309cac346eb3252b28e84b26d0b5fed6cf3ca9a9a287d834168b843ed1788b842c0d576ae9d4c21a1c0030ebc74f2432551accb5338f41f0680c3da6fb451172fb2654441093dc593a2fb497dbccd9846c9096a5dacee5c7066cd1','ACTIVE',1795669628238429);
INSERT INTO data_keys VALUES('01a21640-171e-7169-b2ae-76f8e764e2d9','workspaces/south',1,'ebe78a0c897a2ffd',X'4b5745010110656265373861306338393761326666640b993f5b816fb9f37f7a4bef16cf02f7bd3ef024668987a6f8092bcacd1d43a562a67c601259e3fc498e9de60dfd30a0c16c501ab1c6adffdb08312ddbe0d3152f36e61d9810d9b6ba8a51bb0030cd04eef22a311e3edf84b3c819496b3f2913b9c309d59fa708372a62353568d1cbb63ae77bba99b46a1f28aacedbad46','ACTIVE',1795669628701351);
CREATE TABLE workspaces (
    id              TEXT    NOT NULL PRIMARY KEY,
    display_name    TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    state_reason    TEXT    NOT NULL,
    policy          BLOB    NOT NULL, -- keyway.vault.v1.Policy
    operator_limits BLOB    NOT NULL, -- keyway.vault.v1.OperatorLimits
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
, deleted_at INTEGER, purge_at INTEGER, destroyed_at INTEGER, purged_at INTEGER, state_before TEXT, reason_before TEXT) STRICT;
INSERT INTO workspaces VALUES('demo','Demo','WORKSPACE_STATE_ACTIVE','',X'',X'',1,1795669627285774,1795669627285774,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO workspaces VALUES('north','north','WORKSPACE_STATE_ACTIVE','',X'',X'',1,1795669628086697,1795669628086697,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO workspaces VALUES('south','south','WORKSPACE_STATE_ACTIVE','',X'',X'',1,1795669628501249,1795669628501249,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE members (
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    subject    TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, subject)
) STRICT;
INSERT INTO members VALUES('demo','service:demo-admin','admin',1795669627285774,1795669627285774);
INSERT INTO members VALUES('north','service:first-admin','admin',1795669628086697,1795669628086697);
INSERT INTO members VALUES('north','service:ana','admin',1795669628140580,1795669628140580);
INSERT INTO members VALUES('north','service:auditing','reader',1795669628161834,1795669628161834);
INSERT INTO members VALUES('south','service:first-admin','admin',1795669628501249,1795669628501249);
INSERT INTO members VALUES('south','service:ana','admin',1795669628568077,1795669628568077);
INSERT INTO members VALUES('south','service:auditing','reader',1795669628593231,1795669628593231);
CREATE TABLE tokens (
    accessor        TEXT    NOT NULL PRIMARY KEY,
    hash            BLOB    NOT NULL UNIQUE,
    workspace       TEXT             REFERENCES workspaces (id),
    subject         TEXT    NOT NULL,
    role            TEXT    NOT NULL,
    source_networks TEXT    NOT NULL, -- JSON array of CIDR texts
    label           TEXT    NOT NULL,
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER,
    created_at      INTEGER NOT NULL
) STRICT;
INSERT INTO tokens VALUES('01a21640-1108-7656-8fe7-ecc21459c9df',X'5de82ba1b4ad18dd62f1d1d839f64603a6f27009ea0c7f54e41e89584f077165',NULL,'service:bootstrap','operator','[]','made by keyway-vault bootstrap',1827205627143738,NULL,1795669627143738);
INSERT INTO tokens VALUES('01a21640-119e-72cb-91d0-fb485d602e4b',X'7426cbf6fb375e8166db4a5a61f44b128c39b2ce60c97975c1c49e6a1df8f216','demo','service:demo-admin','admin','[]','demo admin',1803445627293950,NULL,1795669627293950);
INSERT INTO tokens VALUES('01a21640-11a6-7051-b5c2-6bfbf823c8ce',X'8333bd2312a9bb6037ef2164eef7d35239b858bb096cc7dca6b181170826e874','demo','service:demo-admin','caller','[]','demo calls',1803445627302620,NULL,1795669627302620);
INSERT INTO tokens VALUES('01a21640-14d6-7797-8337-67f964fe5f87',X'fa11c4b8cc996e26aad2e51019436df2dc89b0e89c3390aefd8be93539dfbdeb','north','service:first-admin','admin','[]','',1803445628118600,NULL,1795669628118600);
INSERT INTO tokens VALUES('01a21640-151d-70d6-9982-66781f5317eb',X'bc65f6ce9ae9c1b121ced256ce3354b9bc6b6205475544bf61a2d72905bdc53a','north','service:ana','admin','[]','',1803445628189212,NULL,1795669628189212);
INSERT INTO tokens VALUES('01a21640-1538-72e5-a79b-58fed9ac4119',X'1f093f2051b7f5a7f54eed5cdd55c37a29b2539a9fc88ffcb211819f23a4a775','north','service:ana','caller','[]','of before',1803445628215934,NULL,1795669628215934);
INSERT INTO tokens VALUES('01a21640-167d-70f9-a091-fd7c7608873a',X'0a5817fb598de393cfa6ae7d367af8de4b944732598fbcff46634233c5db1f82','south','service:first-admin','admin','[]','',1803445628540629,NULL,1795669628540629);
INSERT INTO tokens VALUES('01a21640-16d6-75b0-8aa5-703e8d2e643d',X'c75a2d9029d8cec7559bee6a6e1c702215c1b9701d65a1e7a050f3cd9189b0c3','south','service:ana','admin','[]','',1803445628630245,NULL,1795669628630245);
INSERT INTO tokens VALUES('01a21640-16ff-739f-a599-807201c69788',X'2243a40f851c6b030e78858a88c1b9b6b8fe5cc1df3cdac7e5ca628a05d08a2e','south','service:ana','caller','[]','of before',1803445628671407,NULL,1795669628671407);
CREATE TABLE key_pools (
    owner      TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    selection  TEXT    NOT NULL,
    live_count INTEGER NOT NULL,
    PRIMARY KEY (owner, provider)
) STRICT;
INSERT INTO key_pools VALUES('platform','anthropic','POOL_ORDER_SPREAD',1);
INSERT INTO key_pools VALUES('platform','exa','POOL_ORDER_SPREAD',1);
INSERT INTO key_pools VALUES('platform','google','POOL_ORDER_SPREAD',1);
INSERT INTO key_pools VALUES('platform','mistral','POOL_ORDER_SPREAD',1);
INSERT INTO key_pools VALUES('platform','openai','POOL_ORDER_SPREAD',1);
INSERT INTO key_pools VALUES('workspaces/north','openai','POOL_ORDER_ORDERED',1);
INSERT INTO key_pools VALUES('workspaces/north','anthropic','POOL_ORDER_ORDERED',1);
INSERT INTO key_pools VALUES('workspaces/north','mistral','POOL_ORDER_ORDERED',0);
INSERT INTO key_pools VALUES('workspaces/south','openai','POOL_ORDER_ORDERED',1);
INSERT INTO key_pools VALUES('workspaces/south','anthropic','POOL_ORDER_ORDERED',1);
INSERT INTO key_pools VALUES('workspaces/south','mistral','POOL_ORDER_ORDERED',0);
CREATE TABLE keys (
    row_id         TEXT    NOT NULL PRIMARY KEY,
    owner          TEXT    NOT NULL,
    provider       TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    data_key_id    TEXT    NOT NULL,
    envelope       BLOB    NOT NULL, -- emptied when the key is deleted
    mask           TEXT    NOT NULL,
    fingerprint    TEXT    NOT NULL,
    place          INTEGER NOT NULL,
    disabled       INTEGER NOT NULL,
    expires_at     INTEGER,
    allowed_models TEXT    NOT NULL, -- JSON array
    label          TEXT    NOT NULL,
    health         TEXT    NOT NULL,
    health_reason  TEXT    NOT NULL,
    health_until   INTEGER,
    change_number  INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deleted_at     INTEGER
, health_since INTEGER, health_number INTEGER) STRICT;
INSERT INTO keys VALUES('01a21640-1169-77bb-9ea9-4d94d2e11fd2','platform','anthropic','default',1,'01a21640-1169-77bb-9ea9-4d958f5b382c',X'4b574501012430316132313634302d313136392d373762622d396561392d346439353866356233383263b1169fb1a94577ec2cb3628d9fefc933610d9b654f35d30f4400ed5a5b897c423be1ec37644a5e7a99531c5194a836c5be49f9ad7eb6de0ef18eaa90f2cad82b243daf622ae7589c661faed1003407e1ed751d664233956f754a65a4ef253fd7cd393f9def916b6bc15eaf18dff6e9497a41639b16dd709979bc9cb9cece6d58b8a3','…sted','5501b3ed8162eb40',0,0,NULL,'[]','stored by the launcher: simulator','ACTIVE','',NULL,1,1795669627241057,1795669627241057,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-116f-77e8-be94-1afb10c40ef1','platform','exa','default',1,'01a21640-1169-77bb-9ea9-4d958f5b382c',X'4b574501012430316132313634302d313136392d373762622d396561392d34643935386635623338326318403d3b48f87525f46ae70121a7ec22dd165c7bfae1da2258e84ac0f3c3cbaa9a7b0cde53242bb95fe75fa1bb19fdb8c79e56f1e33f28299a8fa6940833ea15944aa00111b637296e49ec94002e458bc8ede58cad57cabbacef40e7fbca7ed0a0bcb9661ee71f6c401678d657f7a211dcc894333b2207f2b333cd5f','…sted','01b4339982719ce8',0,0,NULL,'[]','stored by the launcher: simulator','ACTIVE','',NULL,1,1795669627247627,1795669627247627,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-117a-75af-95de-4485f3780c5b','platform','google','default',1,'01a21640-1169-77bb-9ea9-4d958f5b382c',X'4b574501012430316132313634302d313136392d373762622d396561392d34643935386635623338326328bc961e8718c0931eaccac7300930a49f243d29a5f134a792962b636aedc7836cf59a9697bf886032fd8c8c857f786f32f0b129fea88b2ede20e0dcf48d19995f70e813761aa116cd508ab1003159cdd96623f7ab37af9bba717e3134959a4ff607a8a3d141df46b8c537b7b4e41519a160c94566598e35c031e0e73a718d','…sted','7e5e9e88722a45dd',0,0,NULL,'[]','stored by the launcher: simulator','ACTIVE','',NULL,1,1795669627257684,1795669627257684,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-1183-71c1-bf29-df12337eb32c','platform','mistral','default',1,'01a21640-1169-77bb-9ea9-4d958f5b382c',X'4b574501012430316132313634302d313136392d373762622d396561392d346439353866356233383263a8b305f89153b0c3d241beee7d371a1e35e2258813dd2ea33b723fa3c6e82280376c1f8e7c9704ed490ca9e9ce76428522f6ca9a64ff3f3ce1a331833322561ffff54e9b5f1671e66343b51e00323b3169925a1b022ea10104d06f31039ccf0f21ba5e51e3ea535adfa5a05a6e14ab77c9bc343fae6a1fae7addcda25d6ff52a','…sted','bbf89d9980406cd3',0,0,NULL,'[]','stored by the launcher: simulator','ACTIVE','',NULL,1,1795669627266700,1795669627266700,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-118b-7709-8d16-9bf6b7ec2722','platform','openai','default',1,'01a21640-1169-77bb-9ea9-4d958f5b382c',X'4b574501012430316132313634302d313136392d373762622d396561392d3464393538663562333832636b00c8ab736b0a7a0cd890778cb1d2906e5ecb5adc327bf3e1e9de9cd468a68ad38a694a216cad5e7ee72cbce523cd81424251e89d040cd64a14eba7580bd93a6ccc47ffb3da83b0e5ecc7ca0031503aa4682244f3518ee9a8af8fbc7cf3f24b130939200748ff30fbaa8eec8dac10ccf82b7b3d694980203b15775718f924','…sted','b70e6c4ee596c217',0,0,NULL,'[]','stored by the launcher: simulator','ACTIVE','',NULL,1,1795669627275646,1795669627275646,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-154e-7523-860d-a1d2ea64f245','workspaces/north','openai','default',1,'01a21640-154f-70fc-abcf-92fd91d349cf',X'4b574501012430316132313634302d313534662d373066632d616263662d393266643931643334396366b84b118d3c3325dffac6d1ed1876657487564da239758f549398331f5e80ed5e1734a85218a6f61968f5f3d6427dcb885b4388d55ada39b1419c91b51471fc0de158015ddc82ebbdce5a64040034bf80ec8c09f7c633d75471efa57f843ba3a1dcc4a8f7ea5a54103cb4aa496f3436aa54574603f4b79e97af236dff4ecd80875787','…orth','3e5c2fe01a6910fd',0,0,NULL,'[]','','ACTIVE','',NULL,1,1795669628238429,1795669628238429,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-1565-70bc-a506-fda63aac3711','workspaces/north','anthropic','default',1,'01a21640-154f-70fc-abcf-92fd91d349cf',X'4b574501012430316132313634302d313534662d373066632d616263662d393266643931643334396366e46c17be054af93d918df3c4b94f2ffee9b4a60b2a19c6f2e1901c3f9fb4ea10ebcb53972dc3b39c48d43c669899cb9604e0339461551c198c6e648e5f24d3828c5ab0747bfcb8bd67e21b360031d258812b10113fd84eec52ecc88d411a25f4ad574fdadbcf54efcbd7e26ae70d238f102c323dca606f4c93385666659561','…orth','2cbe134600f9f0f7',0,0,NULL,'[]','','ACTIVE','',NULL,1,1795669628260877,1795669628260877,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-157b-74e6-ba6b-37fd4c360230','workspaces/north','mistral','default',1,'01a21640-154f-70fc-abcf-92fd91d349cf',X'','…orth','',0,0,NULL,'[]','','ACTIVE','',NULL,2,1795669628282841,1795669628306830,1795669628306830,NULL,NULL);
INSERT INTO keys VALUES('01a21640-171d-755f-bb29-12afe22df21c','workspaces/south','openai','default',1,'01a21640-171e-7169-b2ae-76f8e764e2d9',X'4b574501012430316132313634302d313731652d373136392d623261652d373666386537363465326439cc9823fd87547b960a43b37e3fd4d46c65827e9222bb067172543517a09fbdd4771ca74d67afc5c24ba45c92e3aad5a661391c1ab336ecb95855d491dfde601b220015c2c6ec67c076ec442b003485fe449c362dad9648f6c29fc1a75d78c5101a54f409003e9fa67210cc5346a5065f96619714606ebfdfe92ee220c5be50aa870a','…outh','5964e6039192450f',0,0,NULL,'[]','','ACTIVE','',NULL,1,1795669628701351,1795669628701351,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-173f-7290-a4a2-90f68e53045f','workspaces/south','anthropic','default',1,'01a21640-171e-7169-b2ae-76f8e764e2d9',X'4b574501012430316132313634302d313731652d373136392d623261652d373666386537363465326439603ae667323764c7877d81969bc7700db3eb7f8da9585f6e6ee98dbc94ed80ffe1a9d0c5cd0e1faab6eed34eaa09a3ee5ecc12543324445949e3174973f492db53b6aaa506cdcf93b7b5fb320031d508d12efd5f3f02aa731b0b9b3de3a3a9a9ce2bc7628ef4e3d52bf74a6ebc65ff3b2d80200001e20c0d2990ae8e59ff69','…outh','6355e49cee28a6db',0,0,NULL,'[]','','ACTIVE','',NULL,1,1795669628734893,1795669628734893,NULL,NULL,NULL);
INSERT INTO keys VALUES('01a21640-175c-7181-b3fd-788a09e7ec7a','workspaces/south','mistral','default',1,'01a21640-171e-7169-b2ae-76f8e764e2d9',X'','…outh','',0,0,NULL,'[]','','ACTIVE','',NULL,2,1795669628764056,1795669628797678,1795669628797678,NULL,NULL);
CREATE TABLE feed (
    only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    epoch    TEXT    NOT NULL,
    revision INTEGER NOT NULL
, health_number INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO feed VALUES(1,'01a21640-1101-75a3-8c1b-a03807b2d370',20,0);
CREATE TABLE changes (
    revision   INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    accessor   TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO changes VALUES(1,'CHANGE_KIND_KEY','platform','anthropic','','',1795669627241057);
INSERT INTO changes VALUES(2,'CHANGE_KIND_KEY','platform','exa','','',1795669627247627);
INSERT INTO changes VALUES(3,'CHANGE_KIND_KEY','platform','google','','',1795669627257684);
INSERT INTO changes VALUES(4,'CHANGE_KIND_KEY','platform','mistral','','',1795669627266700);
INSERT INTO changes VALUES(5,'CHANGE_KIND_KEY','platform','openai','','',1795669627275646);
INSERT INTO changes VALUES(6,'CHANGE_KIND_WORKSPACE','workspaces/demo','','','',1795669627285774);
INSERT INTO changes VALUES(7,'CHANGE_KIND_WORKSPACE','workspaces/north','','','',1795669628086697);
INSERT INTO changes VALUES(8,'CHANGE_KIND_MEMBER','workspaces/north','','','service:ana',1795669628140580);
INSERT INTO changes VALUES(9,'CHANGE_KIND_MEMBER','workspaces/north','','','service:auditing',1795669628161834);
INSERT INTO changes VALUES(10,'CHANGE_KIND_KEY','workspaces/north','openai','','',1795669628238429);
INSERT INTO changes VALUES(11,'CHANGE_KIND_KEY','workspaces/north','anthropic','','',1795669628260877);
INSERT INTO changes VALUES(12,'CHANGE_KIND_KEY','workspaces/north','mistral','','',1795669628282841);
INSERT INTO changes VALUES(13,'CHANGE_KIND_KEY','workspaces/north','mistral','','',1795669628306830);
INSERT INTO changes VALUES(14,'CHANGE_KIND_WORKSPACE','workspaces/south','','','',1795669628501249);
INSERT INTO changes VALUES(15,'CHANGE_KIND_MEMBER','workspaces/south','','','service:ana',1795669628568077);
INSERT INTO changes VALUES(16,'CHANGE_KIND_MEMBER','workspaces/south','','','service:auditing',1795669628593231);
INSERT INTO changes VALUES(17,'CHANGE_KIND_KEY','workspaces/south','openai','','',1795669628701351);
INSERT INTO changes VALUES(18,'CHANGE_KIND_KEY','workspaces/south','anthropic','','',1795669628734893);
INSERT INTO changes VALUES(19,'CHANGE_KIND_KEY','workspaces/south','mistral','','',1795669628764056);
INSERT INTO changes VALUES(20,'CHANGE_KIND_KEY','workspaces/south','mistral','','',1795669628797678);
CREATE TABLE audit_heads (
    chain    TEXT    NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL
, signed_sequence INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO audit_heads VALUES('system',10,X'cd53c5f28074160939c67690541c35815d1ba90e2d5dfc3f70d96e9a1547280f',10);
INSERT INTO audit_heads VALUES('workspaces/demo',3,X'5d5fa2a409cab8de1e7b75a581d93de3eac3bf3c20d5c6a82ba20360b4a80157',3);
INSERT INTO audit_heads VALUES('workspaces/north',12,X'3464323fd000d842195db454b912fafc9b9ef1d1c6e53027b58720346eb88bb0',12);
INSERT INTO audit_heads VALUES('workspaces/south',12,X'070908cd514cf8fbc5e1285701e65695b14fd834d4fd2058208e3b2021265362',12);
CREATE TABLE audit_rows (
    chain    TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    accessor TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    rpc      TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    decision TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    facts    TEXT    NOT NULL,
    hash     BLOB    NOT NULL, form     INTEGER NOT NULL DEFAULT 1, source   TEXT    NOT NULL DEFAULT '', trace_id TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (chain, sequence)
) STRICT;
INSERT INTO audit_rows VALUES('system',1,1795669627134521,'','service:keyway-vault','keyway-vault','masterKeys/ebe78a0c897a2ffd','ALLOWED','','{"event":"first seen","generation":1}',X'2a01fb8f37f29a108204b97c2d6d181f2c2562ddaa1c329479ca34b6724cca6a',2,'','');
INSERT INTO audit_rows VALUES('system',2,1795669627143738,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway-vault bootstrap','tokens/01a21640-1108-7656-8fe7-ecc21459c9df','ALLOWED','','{"role":"operator","expires_at":1827205627143738}',X'd5a7bf761a9f411e29de00743575366c37bd8a34501ec28cb1acc0534cf9648f',2,'','');
INSERT INTO audit_rows VALUES('system',3,1795669627241057,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.KeyService/PutKey','platform/keys/anthropic/default','ALLOWED','','{"version":1,"fingerprint":"5501b3ed8162eb40","mask":"…sted","new":true}',X'127a5747b750fcdc3784822cc2be6276502a32c579acac6ca2d0dd6771975583',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('system',4,1795669627247627,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.KeyService/PutKey','platform/keys/exa/default','ALLOWED','','{"version":1,"fingerprint":"01b4339982719ce8","mask":"…sted","new":true}',X'8f73ae8f10c2122cf8a85e800c862c4b84e7a387839a454c55ff4b58028d671b',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('system',5,1795669627257684,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.KeyService/PutKey','platform/keys/google/default','ALLOWED','','{"version":1,"fingerprint":"7e5e9e88722a45dd","mask":"…sted","new":true}',X'af19a488cddaeb67a87fb309f941d5f4153e15f23fcc68665e8eeaebb2fea87e',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('system',6,1795669627266700,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.KeyService/PutKey','platform/keys/mistral/default','ALLOWED','','{"version":1,"fingerprint":"bbf89d9980406cd3","mask":"…sted","new":true}',X'a867f47d9e6b0f2cccf35a6bcf3fb6fa2f50523ae1b135788a3b27f6efc49268',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('system',7,1795669627275646,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.KeyService/PutKey','platform/keys/openai/default','ALLOWED','','{"version":1,"fingerprint":"b70e6c4ee596c217","mask":"…sted","new":true}',X'19781d50cc0f53591b966ce33f0e7125933e5bb92f83aa3bec00e3e23c9741a2',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('system',8,1795669627285774,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/demo','ALLOWED','','{"first_admin":"service:demo-admin"}',X'cdbb93522c0d6840f77ff953c93804672a50845cc7f1f825fb7c2ab0773926b6',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/demo',1,1795669627285774,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/demo','ALLOWED','','{"first_admin":"service:demo-admin"}',X'5454361e0b1be0780f8f9a0d99a7b91ccee7dcc77af52b61dcfb2c36ad9b49a7',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/demo',2,1795669627293950,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.TokenService/Create','tokens/01a21640-119e-72cb-91d0-fb485d602e4b','ALLOWED','','{"subject":"service:demo-admin","role":"admin","expires_at":1803445627293950,"source_networks":"[]","reason":"the launcher has no token of the demo admin"}',X'a8bc79f2252cf9dda2b3c897746ece453384366e46e7422171351af4fddca362',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/demo',3,1795669627302620,'01a21640-119e-72cb-91d0-fb485d602e4b','service:demo-admin','keyway.vault.v1.TokenService/Create','tokens/01a21640-11a6-7051-b5c2-6bfbf823c8ce','ALLOWED','','{"subject":"service:demo-admin","role":"caller","expires_at":1803445627302620,"source_networks":"[]","reason":""}',X'5d5fa2a409cab8de1e7b75a581d93de3eac3bf3c20d5c6a82ba20360b4a80157',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('system',9,1795669628086697,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/north','ALLOWED','','{"first_admin":"service:first-admin"}',X'c517b109510b878e8b7556f70fe1e4d8332c2da815caf8f8083e4c48ecf73c24',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',1,1795669628086697,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/north','ALLOWED','','{"first_admin":"service:first-admin"}',X'f7be1c7df8c3c3e5adcab64491d3c86a64c3ce8909a3be2a3afcc92c1edbd14e',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',2,1795669628118600,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.TokenService/Create','tokens/01a21640-14d6-7797-8337-67f964fe5f87','ALLOWED','','{"subject":"service:first-admin","role":"admin","expires_at":1803445628118600,"source_networks":"[]","reason":"the first admin"}',X'912665031eda619bcb73ef99f02b83f3f19c830fb0aa6fa3a085a7fc14151c1d',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',3,1795669628140580,'01a21640-14d6-7797-8337-67f964fe5f87','service:first-admin','keyway.vault.v1.MemberService/Put','workspaces/north/members/service:ana','ALLOWED','','{"from":null,"to":"admin","reason":""}',X'797144187461b18333a99f1d7ee30d3f84a3bd4581a4598aa31ff7750d0cab6b',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',4,1795669628161834,'01a21640-14d6-7797-8337-67f964fe5f87','service:first-admin','keyway.vault.v1.MemberService/Put','workspaces/north/members/service:auditing','ALLOWED','','{"from":null,"to":"reader","reason":""}',X'06a51179e2b62615c5ba364c623cab819dde81429f68f575da055b1231ad0d44',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',5,1795669628189212,'01a21640-14d6-7797-8337-67f964fe5f87','service:first-admin','keyway.vault.v1.TokenService/Create','tokens/01a21640-151d-70d6-9982-66781f5317eb','ALLOWED','','{"subject":"service:ana","role":"admin","expires_at":1803445628189212,"source_networks":"[]","reason":""}',X'7ac8fa9e0c557d3bc12b09978b5aa52ad967d5bd7bcc1f6f84f9215d69dcc3bc',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',6,1795669628215934,'01a21640-151d-70d6-9982-66781f5317eb','service:ana','keyway.vault.v1.TokenService/Create','tokens/01a21640-1538-72e5-a79b-58fed9ac4119','ALLOWED','','{"subject":"service:ana","role":"caller","expires_at":1803445628215934,"source_networks":"[]","reason":""}',X'3dd8e6a424b9b444f3319a3c65a1b45add3e63942ed52a4ff6371574fa8e3713',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',7,1795669628238429,'01a21640-151d-70d6-9982-66781f5317eb','service:ana','keyway.vault.v1.KeyService/PutKey','workspaces/north/keys/openai/default','ALLOWED','','{"version":1,"fingerprint":"3e5c2fe01a6910fd","mask":"…orth","new":true}',X'cf384e9fd5f64bd48a6a87b3b7d80a1e9e0ffec9b9872ea3cb15b3f927d90bc4',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',8,1795669628260877,'01a21640-151d-70d6-9982-66781f5317eb','service:ana','keyway.vault.v1.KeyService/PutKey','workspaces/north/keys/anthropic/default','ALLOWED','','{"version":1,"fingerprint":"2cbe134600f9f0f7","mask":"…orth","new":true}',X'558acdfe9dfe0debd26a4260f907af8283fcf41e4eedf27ed0f8126a84f1be20',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',9,1795669628282841,'01a21640-151d-70d6-9982-66781f5317eb','service:ana','keyway.vault.v1.KeyService/PutKey','workspaces/north/keys/mistral/default','ALLOWED','','{"version":1,"fingerprint":"5ca4c09473f25d05","mask":"…orth","new":true}',X'451e5c728e3cba34b6482ac10595d5f85baa7b4018791d33411f2b33cb33c6b9',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',10,1795669628306830,'01a21640-151d-70d6-9982-66781f5317eb','service:ana','keyway.vault.v1.KeyService/DeleteKey','workspaces/north/keys/mistral/default','ALLOWED','','{"version":1,"row_found":true}',X'bcc0d4d74920353da38936703649085fdc647bada85eb1ab7b737c6ece2f01a3',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',11,1795669628350162,'router:local','router:local','keyway.vault.v1.LeaseService/ResolveKeys','workspaces/north','ALLOWED','','{"provider":"openai","call_id":"01a21640-15b8-771e-befb-0d75ac9b6d53","own":[{"name":"workspaces/north/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}',X'84939fdd39c0ee6bab21edbe9e9dcce3aadff409b406bb686973ec48f773b8b1',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/north',12,1795669628396417,'router:local','router:local','keyway.vault.v1.LeaseService/ResolveKeys','workspaces/north','ALLOWED','','{"provider":"anthropic","call_id":"01a21640-15ea-7260-a765-a2e49619e4da","own":[{"name":"workspaces/north/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}',X'3464323fd000d842195db454b912fafc9b9ef1d1c6e53027b58720346eb88bb0',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('system',10,1795669628501249,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/south','ALLOWED','','{"first_admin":"service:first-admin"}',X'cd53c5f28074160939c67690541c35815d1ba90e2d5dfc3f70d96e9a1547280f',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',1,1795669628501249,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/south','ALLOWED','','{"first_admin":"service:first-admin"}',X'8518d1ab7aced10afc0cfc09efa06c2905e7ff31f15e036b1486bb2b833c92a9',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',2,1795669628540629,'01a21640-1108-7656-8fe7-ecc21459c9df','service:bootstrap','keyway.vault.v1.TokenService/Create','tokens/01a21640-167d-70f9-a091-fd7c7608873a','ALLOWED','','{"subject":"service:first-admin","role":"admin","expires_at":1803445628540629,"source_networks":"[]","reason":"the first admin"}',X'fe1ae3b70a22d31e1eeacb7cf4f7750fd37f373872d0d373d06bb6e16b8ae5cc',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',3,1795669628568077,'01a21640-167d-70f9-a091-fd7c7608873a','service:first-admin','keyway.vault.v1.MemberService/Put','workspaces/south/members/service:ana','ALLOWED','','{"from":null,"to":"admin","reason":""}',X'227659c6e3dbcc54e8a7d4c231758cb42e7fd89ab98345a0dca5652bffbcb518',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',4,1795669628593231,'01a21640-167d-70f9-a091-fd7c7608873a','service:first-admin','keyway.vault.v1.MemberService/Put','workspaces/south/members/service:auditing','ALLOWED','','{"from":null,"to":"reader","reason":""}',X'862c3843648082cf29ddac9de82e16568f27f4321a7b0e581b6b6a14770763b3',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',5,1795669628630245,'01a21640-167d-70f9-a091-fd7c7608873a','service:first-admin','keyway.vault.v1.TokenService/Create','tokens/01a21640-16d6-75b0-8aa5-703e8d2e643d','ALLOWED','','{"subject":"service:ana","role":"admin","expires_at":1803445628630245,"source_networks":"[]","reason":""}',X'92bf2582bc894541a0c3f86b501c00d6918b52daa229083a407f0b6ecc2d88bd',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',6,1795669628671407,'01a21640-16d6-75b0-8aa5-703e8d2e643d','service:ana','keyway.vault.v1.TokenService/Create','tokens/01a21640-16ff-739f-a599-807201c69788','ALLOWED','','{"subject":"service:ana","role":"caller","expires_at":1803445628671407,"source_networks":"[]","reason":""}',X'963babc35685a061ce20cd66beac84ee8b376fac91898cde10170b6821c404db',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',7,1795669628701351,'01a21640-16d6-75b0-8aa5-703e8d2e643d','service:ana','keyway.vault.v1.KeyService/PutKey','workspaces/south/keys/openai/default','ALLOWED','','{"version":1,"fingerprint":"5964e6039192450f","mask":"…outh","new":true}',X'd27af3450d4c6c2b9044411a57cfe4b2f7f2fdccd6564ab7175851f1e3e2962d',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',8,1795669628734893,'01a21640-16d6-75b0-8aa5-703e8d2e643d','service:ana','keyway.vault.v1.KeyService/PutKey','workspaces/south/keys/anthropic/default','ALLOWED','','{"version":1,"fingerprint":"6355e49cee28a6db","mask":"…outh","new":true}',X'7b3cc29afcf10ee41f7e9af387ac6696ffcd6d69dfabd954971fe2e866718543',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',9,1795669628764056,'01a21640-16d6-75b0-8aa5-703e8d2e643d','service:ana','keyway.vault.v1.KeyService/PutKey','workspaces/south/keys/mistral/default','ALLOWED','','{"version":1,"fingerprint":"1c72e088db33e9de","mask":"…outh","new":true}',X'7b78a077f5626269dd7382a7e6a224dfd2b138f64f70eb434f3970992b813dca',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',10,1795669628797678,'01a21640-16d6-75b0-8aa5-703e8d2e643d','service:ana','keyway.vault.v1.KeyService/DeleteKey','workspaces/south/keys/mistral/default','ALLOWED','','{"version":1,"row_found":true}',X'fa6258c7d7eba41fd8b7e7d398be832b7256624cc7fa6844d0e5d555e49c474b',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',11,1795669628847588,'router:local','router:local','keyway.vault.v1.LeaseService/ResolveKeys','workspaces/south','ALLOWED','','{"provider":"openai","call_id":"01a21640-17ab-75f9-bae9-d342586bbf01","own":[{"name":"workspaces/south/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}',X'c6ae5f3e926efa36ca1c822c8e49b0cd72b5a6ed2cae69cfd66b27e73a8e4760',2,'127.0.0.1','');
INSERT INTO audit_rows VALUES('workspaces/south',12,1795669628900078,'router:local','router:local','keyway.vault.v1.LeaseService/ResolveKeys','workspaces/south','ALLOWED','','{"provider":"anthropic","call_id":"01a21640-17e2-7214-88df-3c9239a6e356","own":[{"name":"workspaces/south/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}',X'070908cd514cf8fbc5e1285701e65695b14fd834d4fd2058208e3b2021265362',2,'127.0.0.1','');
CREATE TABLE requests (
    scope      TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    body_hash  BLOB    NOT NULL,
    response   BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scope, request_id)
) STRICT;
CREATE TABLE seal_jobs (
    kind        TEXT    NOT NULL, -- REWRAP or RESEAL
    owner       TEXT    NOT NULL, -- of RESEAL; empty for REWRAP
    target      TEXT    NOT NULL, -- id of the master key that wraps, or of the data key that seals
    accessor    TEXT    NOT NULL, -- of who asked
    subject     TEXT    NOT NULL,
    changed     INTEGER NOT NULL, -- rows done so far
    unreadable  INTEGER NOT NULL, -- rows of the last pass that do not open, and stay as they are
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (kind, owner)
) STRICT;
CREATE TABLE audit_checkpoints (
    chain      TEXT    NOT NULL,
    sequence   INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    time       INTEGER NOT NULL,
    epoch      TEXT    NOT NULL,
    signature  BLOB    NOT NULL,
    public_key BLOB    NOT NULL,
    PRIMARY KEY (chain, sequence)
) STRICT;
INSERT INTO audit_checkpoints VALUES('system',2,X'd5a7bf761a9f411e29de00743575366c37bd8a34501ec28cb1acc0534cf9648f',1795669627225243,'01a21640-1101-75a3-8c1b-a03807b2d370',X'b440ebbcc30de369a52b9ea9497a19da29ed9f2ef157e52d5169501edb7eb3a9c002e7ac52317220efa60671bad4362dc906bf93c3edb9b85a2ff7fd802c5003',X'0a3a09407857ccd205832e31965ed37c4c5bd52fb5156383e7f0609050e061b5');
INSERT INTO audit_checkpoints VALUES('system',10,X'cd53c5f28074160939c67690541c35815d1ba90e2d5dfc3f70d96e9a1547280f',1795669631012137,'01a21640-1101-75a3-8c1b-a03807b2d370',X'27a4aa3c6678a2cebeefa062131547abdfbd93525a05e748b6736d12bafa9604211d972ad77a8b689097715c8bf460539e92fecf8d36415355aebae484824a05',X'0a3a09407857ccd205832e31965ed37c4c5bd52fb5156383e7f0609050e061b5');
INSERT INTO audit_checkpoints VALUES('workspaces/demo',3,X'5d5fa2a409cab8de1e7b75a581d93de3eac3bf3c20d5c6a82ba20360b4a80157',1795669631013187,'01a21640-1101-75a3-8c1b-a03807b2d370',X'5e062e738501383db72d1232cdb636747375fd40428cff72f02e30b801fb066d291e6e9cb05bb53d6747d1c315d964422fe969918267b8b2775da123f2602e0b',X'0a3a09407857ccd205832e31965ed37c4c5bd52fb5156383e7f0609050e061b5');
INSERT INTO audit_checkpoints VALUES('workspaces/north',12,X'3464323fd000d842195db454b912fafc9b9ef1d1c6e53027b58720346eb88bb0',1795669631014726,'01a21640-1101-75a3-8c1b-a03807b2d370',X'150b72a7a3f716d9606cb2af518ea0b21767191490ba984c457d499d3b1a96e32985658e10816c660b75b7b97c40aed80608ca345306bdc2ff61980d243b0103',X'0a3a09407857ccd205832e31965ed37c4c5bd52fb5156383e7f0609050e061b5');
INSERT INTO audit_checkpoints VALUES('workspaces/south',12,X'070908cd514cf8fbc5e1285701e65695b14fd834d4fd2058208e3b2021265362',1795669631016595,'01a21640-1101-75a3-8c1b-a03807b2d370',X'3dc5d92470f859f073be311534e3f241bc68ac6416b1ce89adee7e7ca20abb9aa43efef7e62e6a21e9662e029c3aea4de17f2c2af9c2722a80bf5c5456531b0a',X'0a3a09407857ccd205832e31965ed37c4c5bd52fb5156383e7f0609050e061b5');
CREATE TABLE router_watches (
    identity     TEXT NOT NULL,
    instance     TEXT NOT NULL,
    watch        TEXT NOT NULL, -- which of the router's watches: a later one takes the row over
    acknowledged INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    PRIMARY KEY (identity, instance)
) STRICT;
CREATE INDEX tokens_by_member ON tokens (workspace, subject);
CREATE UNIQUE INDEX keys_live ON keys (owner, provider, name) WHERE deleted_at IS NULL;
CREATE INDEX requests_by_age ON requests (created_at);
CREATE INDEX data_keys_by_master ON data_keys (state, master_key_id);
CREATE INDEX keys_by_data_key ON keys (data_key_id) WHERE deleted_at IS NULL;
CREATE INDEX seal_jobs_open ON seal_jobs (created_at) WHERE finished_at IS NULL;
CREATE INDEX workspaces_to_purge ON workspaces (purge_at)
    WHERE purge_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX keys_by_place ON keys (owner, provider, place, name) WHERE deleted_at IS NULL;
CREATE INDEX keys_by_owner ON keys (owner);
CREATE INDEX keys_by_health ON keys (health_number) WHERE health_number IS NOT NULL;
CREATE INDEX members_by_subject ON members (subject);
CREATE INDEX tokens_by_workspace ON tokens (workspace, accessor);
CREATE INDEX keys_ever ON keys (owner, provider, name, version);
COMMIT;
