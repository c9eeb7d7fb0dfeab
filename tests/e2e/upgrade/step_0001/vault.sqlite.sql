-- Keyway's vault database at step 0001, with two workspaces, written by the build of commit 1c267c3.
-- Its secrets are test data, and stand beside this file.
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE audit_heads (
    chain    TEXT    NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL
) STRICT;
INSERT INTO "audit_heads" VALUES('system',7,X'2FF87EAEDDF9E8C1C54604E9441E625B7BDFC39AE5D19D330C392DD2D2651304');
INSERT INTO "audit_heads" VALUES('workspaces/demo',3,X'8F13D2586247505BB15114451A36397BDD0F84AEEDC1CEA7A8EB85FBB330A3BC');
INSERT INTO "audit_heads" VALUES('workspaces/north',13,X'2E2F742AB12C90B9A35BE3948B965A94DBAFEDF1271FF55980AFA08FC497065B');
INSERT INTO "audit_heads" VALUES('workspaces/south',14,X'3756FF5BB512A62E2ECD3FF1AB13C46E08E90982F898923B517D7E94F3235FDA');
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
    hash     BLOB    NOT NULL,
    PRIMARY KEY (chain, sequence)
) STRICT;
INSERT INTO "audit_rows" VALUES('system',1,1795612596529469,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway-vault bootstrap','tokens/01a212d9-d931-7676-96c4-961eac9909dd','ALLOWED','','{"role":"operator","expires_at":1827148596529469}',X'E646F1E51CCAD8AF06CFF9D78870F6C38C5702417DBFAD7C4AE41F908F26695F');
INSERT INTO "audit_rows" VALUES('system',2,1795612596588749,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.KeyService/PutKey','platform/keys/openai/default','ALLOWED','','{"version":1,"fingerprint":"52d050607a86b888","mask":"…sted","new":true}',X'6991E78C5471E1A78823D66EF21613B50CDB20A8A1B481AF482D37EDD4FB771E');
INSERT INTO "audit_rows" VALUES('system',3,1795612596601563,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.KeyService/PutKey','platform/keys/anthropic/default','ALLOWED','','{"version":1,"fingerprint":"6f03fd408b331b6f","mask":"…sted","new":true}',X'A145EAA62D57CA2D3BA40CDA04C8D12C5B8E226057A695239BA49A15F808D8FC');
INSERT INTO "audit_rows" VALUES('system',4,1795612596613412,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.KeyService/PutKey','platform/keys/exa/default','ALLOWED','','{"version":1,"fingerprint":"d14ad8389c577389","mask":"…sted","new":true}',X'FE9E780AA8E91E341243FE53963AA3130A2CBBD3BCB3449C43337C746C4CCC91');
INSERT INTO "audit_rows" VALUES('system',5,1795612596621250,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/demo','ALLOWED','','{"first_admin":"service:demo-admin"}',X'0CAF7B80E84DEF5351909540895C4563277F1B984C5DEEF7204E11282E90F940');
INSERT INTO "audit_rows" VALUES('workspaces/demo',1,1795612596621250,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/demo','ALLOWED','','{"first_admin":"service:demo-admin"}',X'3104C62DA6CD776A09960352632664F1DE94AD72D3C3AA7E224EB82792888506');
INSERT INTO "audit_rows" VALUES('workspaces/demo',2,1795612596624850,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.TokenService/Create','tokens/01a212d9-d991-712b-9277-862dd7eaa100','ALLOWED','','{"subject":"service:demo-admin","role":"admin","expires_at":1803388596624850,"source_networks":"[]","reason":"the launcher has no token of the demo admin"}',X'28AC864CF40C7D280D79F405BAFCD0C4758324636767430460FF0BDECE4799DF');
INSERT INTO "audit_rows" VALUES('workspaces/demo',3,1795612596633054,'01a212d9-d991-712b-9277-862dd7eaa100','service:demo-admin','keyway.vault.v1.TokenService/Create','tokens/01a212d9-d999-73b8-bf39-cc8d3543de5e','ALLOWED','','{"subject":"service:demo-admin","role":"caller","expires_at":1803388596633054,"source_networks":"[]","reason":""}',X'8F13D2586247505BB15114451A36397BDD0F84AEEDC1CEA7A8EB85FBB330A3BC');
INSERT INTO "audit_rows" VALUES('system',6,1795612596967471,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/north','ALLOWED','','{"first_admin":"service:first-admin"}',X'A65862BAC1CF19A466F4E762907A62C5EE88CA3465BA17D73EC2D15AD86777C0');
INSERT INTO "audit_rows" VALUES('workspaces/north',1,1795612596967471,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/north','ALLOWED','','{"first_admin":"service:first-admin"}',X'A8565B0B889B20FE1F009205AE47734E15C1DEB16EFBB16D9495EA3D25ACB117');
INSERT INTO "audit_rows" VALUES('workspaces/north',2,1795612596981376,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.TokenService/Create','tokens/01a212d9-daf5-7701-a15f-a058f21393ba','ALLOWED','','{"subject":"service:first-admin","role":"admin","expires_at":1803388596981376,"source_networks":"[]","reason":"the first admin"}',X'2D75B4B94061748F3A1429E562EDE2E6A7F4434ED235E0377FE948007152A1AF');
INSERT INTO "audit_rows" VALUES('workspaces/north',3,1795612596996236,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.TokenService/Create','tokens/01a212d9-db04-7287-a4b9-ba1a33bbebff','ALLOWED','','{"subject":"service:first-admin","role":"caller","expires_at":1803388596996236,"source_networks":"[]","reason":""}',X'8ACF34939570AB927A41D9515E67E2630136719AF75D6CF1BCD0C92B9B6DA212');
INSERT INTO "audit_rows" VALUES('system',7,1795612596998451,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/south','ALLOWED','','{"first_admin":"service:first-admin"}',X'2FF87EAEDDF9E8C1C54604E9441E625B7BDFC39AE5D19D330C392DD2D2651304');
INSERT INTO "audit_rows" VALUES('workspaces/south',1,1795612596998451,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.WorkspaceService/Create','workspaces/south','ALLOWED','','{"first_admin":"service:first-admin"}',X'9C83B4BD1451C655A2BDA7E141C191AEA90DDB0D8238BF70C60B97B04CE1DDD5');
INSERT INTO "audit_rows" VALUES('workspaces/south',2,1795612597008116,'01a212d9-d931-7676-96c4-961eac9909dd','service:bootstrap','keyway.vault.v1.TokenService/Create','tokens/01a212d9-db10-7552-877b-187709b0a19f','ALLOWED','','{"subject":"service:first-admin","role":"admin","expires_at":1803388597008116,"source_networks":"[]","reason":"the first admin"}',X'E8E8A6F679C44A971D93C808EE21E586D1EEC6152E9A642DA1F3A3D8368CB3BD');
INSERT INTO "audit_rows" VALUES('workspaces/south',3,1795612597013034,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.TokenService/Create','tokens/01a212d9-db15-7270-8036-166776f4c4e6','ALLOWED','','{"subject":"service:first-admin","role":"caller","expires_at":1803388597013034,"source_networks":"[]","reason":""}',X'07E75BBBC3FF647C215042864453D41AEFF963867135F479986A900B38A80883');
INSERT INTO "audit_rows" VALUES('workspaces/north',4,1795612597015450,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.MemberService/Put','workspaces/north/members/service:ana','ALLOWED','','{"from":null,"to":"admin","reason":""}',X'09501ECCB40261A58EEE509B6355A833003A1C7ED98C1487C6A2BC08744DBFEF');
INSERT INTO "audit_rows" VALUES('workspaces/north',5,1795612597022865,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.MemberService/Put','workspaces/north/members/service:auditing','ALLOWED','','{"from":null,"to":"reader","reason":""}',X'72FECF88865D92DFBB62F4B134888DD02F2A315EB9FA4B9131D93366B0200084');
INSERT INTO "audit_rows" VALUES('workspaces/north',6,1795612597033624,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.TokenService/Create','tokens/01a212d9-db29-72ba-bc6d-d7c4f2825d49','ALLOWED','','{"subject":"service:first-admin","role":"caller","expires_at":1803388597033624,"source_networks":"[]","reason":""}',X'50BEB4C5205D9FD089E6048F3C926CAC9369ADBA87A0CCF0545A1F1F09693634');
INSERT INTO "audit_rows" VALUES('workspaces/north',7,1795612597044827,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.TokenService/Create','tokens/01a212d9-db35-7194-a651-d191dd219177','ALLOWED','','{"subject":"service:ana","role":"admin","expires_at":1803388597044827,"source_networks":"[]","reason":""}',X'1FD43740390E45B7CFE1D72242E3F8BA6D3DC5817CF970E13BA9EF384D981D8A');
INSERT INTO "audit_rows" VALUES('workspaces/north',8,1795612597052893,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.KeyService/PutKey','workspaces/north/keys/openai/default','ALLOWED','','{"version":1,"fingerprint":"9f74299807c946b5","mask":"…orth","new":true}',X'6BD042EF89E1E61FE1C1423713D8F11DE03CAB29D1EF1082A4CB2B3F44356E00');
INSERT INTO "audit_rows" VALUES('workspaces/north',9,1795612597071754,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.KeyService/PutKey','workspaces/north/keys/anthropic/default','ALLOWED','','{"version":1,"fingerprint":"fd9cb042fecd61bc","mask":"…orth","new":true}',X'400C97730202B6A5A258F1CBACD81CDF9E5449EF423EC1FE920EB6B43E9172E2');
INSERT INTO "audit_rows" VALUES('workspaces/north',10,1795612597091725,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.KeyService/PutKey','workspaces/north/keys/exa/default','ALLOWED','','{"version":1,"fingerprint":"1a361f803ba641b5","mask":"…gone","new":true}',X'642634A41A408DE6C619929764D86CB760F51199C04209E9BF3E30E3C69C0BDB');
INSERT INTO "audit_rows" VALUES('workspaces/north',11,1795612597095212,'01a212d9-daf5-7701-a15f-a058f21393ba','service:first-admin','keyway.vault.v1.KeyService/DeleteKey','workspaces/north/keys/exa/default','ALLOWED','','{"version":1,"row_found":true}',X'0916ED25434A36F052CB26CFF2BFF6A97AC0AFE88E80F34BA4D72C05D1A3F2CF');
INSERT INTO "audit_rows" VALUES('workspaces/south',4,1795612597100110,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.MemberService/Put','workspaces/south/members/service:ana','ALLOWED','','{"from":null,"to":"admin","reason":""}',X'EEC984AA4A4B41A970B36A6D1E7FE229BD9EC4A600C129925BAB832E8D40E52F');
INSERT INTO "audit_rows" VALUES('workspaces/south',5,1795612597102605,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.MemberService/Put','workspaces/south/members/service:auditing','ALLOWED','','{"from":null,"to":"reader","reason":""}',X'F7FE536A46569C2C63C43E66F7546314E61ABC32ED6E5A9BC3E9FD462B91A3C2');
INSERT INTO "audit_rows" VALUES('workspaces/south',6,1795612597105059,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.TokenService/Create','tokens/01a212d9-db71-7495-9ce7-f6660c2fa319','ALLOWED','','{"subject":"service:first-admin","role":"caller","expires_at":1803388597105059,"source_networks":"[]","reason":""}',X'F0AC625DD5B637232E0E133C7B22059F0612B04105880FDBFB9E034495F3D746');
INSERT INTO "audit_rows" VALUES('workspaces/south',7,1795612597110050,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.TokenService/Create','tokens/01a212d9-db77-70a8-a137-6cea74fe5dc3','ALLOWED','','{"subject":"service:ana","role":"admin","expires_at":1803388597110050,"source_networks":"[]","reason":""}',X'298EA5AA2844FA34D0889F206C8B7C87158637C6D42D4CDE55763D5EFF76B325');
INSERT INTO "audit_rows" VALUES('workspaces/south',8,1795612597122004,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.KeyService/PutKey','workspaces/south/keys/openai/default','ALLOWED','','{"version":1,"fingerprint":"36df2002ba52adae","mask":"…outh","new":true}',X'A35E3B16DD5E13E80852F9885307BC6AF37B1F406F65EE05C6A38EDDBD915C25');
INSERT INTO "audit_rows" VALUES('workspaces/south',9,1795612597132180,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.KeyService/PutKey','workspaces/south/keys/anthropic/default','ALLOWED','','{"version":1,"fingerprint":"698cff56224f4809","mask":"…outh","new":true}',X'1C423861E93FF0CC528F9BE5F6BE89A86EEAF3BD5F0FF34059E97E4DA9B0D4C1');
INSERT INTO "audit_rows" VALUES('workspaces/south',10,1795612597139130,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.KeyService/PutKey','workspaces/south/keys/exa/default','ALLOWED','','{"version":1,"fingerprint":"ff7cef0a2e3f15c8","mask":"…gone","new":true}',X'CCB381A12583F2833E27968C92D9A6C04C158DA7068B6A739492356A08E0C1B4');
INSERT INTO "audit_rows" VALUES('workspaces/south',11,1795612597142973,'01a212d9-db10-7552-877b-187709b0a19f','service:first-admin','keyway.vault.v1.KeyService/DeleteKey','workspaces/south/keys/exa/default','ALLOWED','','{"version":1,"row_found":true}',X'52451771BC9823AF75FFD1100090E9A97D7B444FF78769C36E269AB640E86423');
INSERT INTO "audit_rows" VALUES('workspaces/south',12,1795612597147467,'01a212d9-db15-7270-8036-166776f4c4e6','service:first-admin','keyway.vault.v1.KeyService/PutKey','','DENIED','DENIED','{}',X'20D90A97E480F160CC5D82E82D75D7D5E5BE197B732BDEBA739181266B00C6A0');
INSERT INTO "audit_rows" VALUES('workspaces/north',12,1795612597151013,'router:local','router:local','keyway.vault.v1.LeaseService/ResolveKeys','workspaces/north','ALLOWED','','{"provider":"openai","call_id":"01a212d9-db9e-712d-b21a-7b3d28e8fb2d","own":[{"name":"workspaces/north/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}',X'02FB1FE1B05B03CA242139CFCE28BEF25CAF313BAC99894EEF19355CB1CDD206');
INSERT INTO "audit_rows" VALUES('workspaces/north',13,1795612597166762,'router:local','router:local','keyway.vault.v1.LeaseService/ResolveKeys','workspaces/north','ALLOWED','','{"provider":"anthropic","call_id":"01a212d9-dbae-7558-b3d4-4b0a193b2fdf","own":[{"name":"workspaces/north/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}',X'2E2F742AB12C90B9A35BE3948B965A94DBAFEDF1271FF55980AFA08FC497065B');
INSERT INTO "audit_rows" VALUES('workspaces/south',13,1795612597199087,'router:local','router:local','keyway.vault.v1.LeaseService/ResolveKeys','workspaces/south','ALLOWED','','{"provider":"openai","call_id":"01a212d9-dbce-730c-ae86-63577123b385","own":[{"name":"workspaces/south/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/openai/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}',X'157F93F6A3C429BD2FC890D247574A8A0129FD9853A90CE1F8757656830F5F4B');
INSERT INTO "audit_rows" VALUES('workspaces/south',14,1795612597211574,'router:local','router:local','keyway.vault.v1.LeaseService/ResolveKeys','workspaces/south','ALLOWED','','{"provider":"anthropic","call_id":"01a212d9-dbdb-7206-a988-7ac74a7381f7","own":[{"name":"workspaces/south/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}],"platform":[{"name":"platform/keys/anthropic/default","version":1,"state":"KEY_STATE_ACTIVE","leased":true}]}',X'3756FF5BB512A62E2ECD3FF1AB13C46E08E90982F898923B517D7E94F3235FDA');
CREATE TABLE changes (
    revision   INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    accessor   TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO "changes" VALUES(1,'CHANGE_KIND_KEY','platform','openai','','',1795612596588749);
INSERT INTO "changes" VALUES(2,'CHANGE_KIND_KEY','platform','anthropic','','',1795612596601563);
INSERT INTO "changes" VALUES(3,'CHANGE_KIND_KEY','platform','exa','','',1795612596613412);
INSERT INTO "changes" VALUES(4,'CHANGE_KIND_WORKSPACE','workspaces/demo','','','',1795612596621250);
INSERT INTO "changes" VALUES(5,'CHANGE_KIND_WORKSPACE','workspaces/north','','','',1795612596967471);
INSERT INTO "changes" VALUES(6,'CHANGE_KIND_WORKSPACE','workspaces/south','','','',1795612596998451);
INSERT INTO "changes" VALUES(7,'CHANGE_KIND_MEMBER','workspaces/north','','','service:ana',1795612597015450);
INSERT INTO "changes" VALUES(8,'CHANGE_KIND_MEMBER','workspaces/north','','','service:auditing',1795612597022865);
INSERT INTO "changes" VALUES(9,'CHANGE_KIND_KEY','workspaces/north','openai','','',1795612597052893);
INSERT INTO "changes" VALUES(10,'CHANGE_KIND_KEY','workspaces/north','anthropic','','',1795612597071754);
INSERT INTO "changes" VALUES(11,'CHANGE_KIND_KEY','workspaces/north','exa','','',1795612597091725);
INSERT INTO "changes" VALUES(12,'CHANGE_KIND_KEY','workspaces/north','exa','','',1795612597095212);
INSERT INTO "changes" VALUES(13,'CHANGE_KIND_MEMBER','workspaces/south','','','service:ana',1795612597100110);
INSERT INTO "changes" VALUES(14,'CHANGE_KIND_MEMBER','workspaces/south','','','service:auditing',1795612597102605);
INSERT INTO "changes" VALUES(15,'CHANGE_KIND_KEY','workspaces/south','openai','','',1795612597122004);
INSERT INTO "changes" VALUES(16,'CHANGE_KIND_KEY','workspaces/south','anthropic','','',1795612597132180);
INSERT INTO "changes" VALUES(17,'CHANGE_KIND_KEY','workspaces/south','exa','','',1795612597139130);
INSERT INTO "changes" VALUES(18,'CHANGE_KIND_KEY','workspaces/south','exa','','',1795612597142973);
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
INSERT INTO "data_keys" VALUES('01a212d9-d92d-73b5-8fd7-861e6fb194f2','system',1,'17cda915b561f7c4',X'4B5745010110313763646139313562353631663763342016CB3B31FB78EB73BF1F133A0A5DE5EECB256232A48E119F473F69A1D3CB36FC02CB022358B236023980153DA9F21879F714CBF92225B7FAB48A43AD0113CC5C6A7F63B37C3CB4F71A5CDC00305C4448C8997BD2C9E341379E449E244519CDC9E41A92D6EF63ABB6343BD93979A51F4F1C3285AA278EB2056FEE3073AA','ACTIVE',1795612596525070);
INSERT INTO "data_keys" VALUES('01a212d9-d96d-710c-bb1f-5d52132a3b53','platform',1,'17cda915b561f7c4',X'4B574501011031376364613931356235363166376334C152C2E30EB294C0317B6DE776287932D6F435D1BB2A69056F9FF2AD4B2D21436BED1AEC069543333143351CD9E79C61A9003CF90020F55C687E2A2118FE9ED4D65DA41D47C4FC966AF735160030F612C1AE4E6F5CD04D7EC39EEA50749FBD30982645B77C0C70A77094A586C2F1E7B778D067A9D67CE4978C52DE9C7CC0','ACTIVE',1795612596588749);
INSERT INTO "data_keys" VALUES('01a212d9-db3d-7002-b4d3-5387ed4f7840','workspaces/north',1,'17cda915b561f7c4',X'4B574501011031376364613931356235363166376334190162A369193545767068E1E1A40F1789BA896A6694DD485828D6CA71143D17C4F9292A833A3AC50629A44388C74D3BD256C5D875CDABD8F8FFCDF8C4D22B2D885C72302C0771C7AC17C0490030A8C508DFCC140DA4DB2DC5106B4CAD828CBEDBCC3E9D0F837727C32520D066E819416EA1E86B3BFC70DBDBC6B3369568','ACTIVE',1795612597052893);
INSERT INTO "data_keys" VALUES('01a212d9-db82-71d3-8755-bdc468febadc','workspaces/south',1,'17cda915b561f7c4',X'4B574501011031376364613931356235363166376334053291E83E645337F6AA9600E1F77AB1C3E67C528383173EAEAADC942B672122B87F65776F8A49817434DA7EAC393ED486F6A703DD6C1391339546B935AF25C785DC983DCAF87A3577DC225B0030D18FF808B099F974981B9475714927BF2835239C5FAD7E9BA1F4C0D7F7983EFBE7BD9A2FA3DF97BDA8CB96B7938A9268','ACTIVE',1795612597122004);
CREATE TABLE feed (
    only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    epoch    TEXT    NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO "feed" VALUES(1,'01a212d9-d92d-73b5-8fd7-861dbbd69d3e',18);
CREATE TABLE key_pools (
    owner      TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    selection  TEXT    NOT NULL,
    live_count INTEGER NOT NULL,
    PRIMARY KEY (owner, provider)
) STRICT;
INSERT INTO "key_pools" VALUES('platform','openai','POOL_ORDER_SPREAD',1);
INSERT INTO "key_pools" VALUES('platform','anthropic','POOL_ORDER_SPREAD',1);
INSERT INTO "key_pools" VALUES('platform','exa','POOL_ORDER_SPREAD',1);
INSERT INTO "key_pools" VALUES('workspaces/north','openai','POOL_ORDER_ORDERED',1);
INSERT INTO "key_pools" VALUES('workspaces/north','anthropic','POOL_ORDER_ORDERED',1);
INSERT INTO "key_pools" VALUES('workspaces/north','exa','POOL_ORDER_ORDERED',0);
INSERT INTO "key_pools" VALUES('workspaces/south','openai','POOL_ORDER_ORDERED',1);
INSERT INTO "key_pools" VALUES('workspaces/south','anthropic','POOL_ORDER_ORDERED',1);
INSERT INTO "key_pools" VALUES('workspaces/south','exa','POOL_ORDER_ORDERED',0);
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
) STRICT;
INSERT INTO "keys" VALUES('01a212d9-d96c-7794-86f1-7d6333db68c3','platform','openai','default',1,'01a212d9-d96d-710c-bb1f-5d52132a3b53',X'4B574501012430316132313264392D643936642D373130632D626231662D356435323133326133623533A659A459EC96E077D8532CC64FF4F3176B97D42D5061FBE1124F7108E9FDBBAC662DB49BC7A73FAAFAD3B23B0526418D767714ABE11A74521D4A32CB1AEAB3CF27CEA3B21087C6E9A3DD4C84003124CCD9D7A610667C973AD2482459C35ECD13ED1F6262F20F8D797C5116D34C05BF49DFB054E122E02AA1C5A04A430C083C','…sted','52d050607a86b888',0,0,NULL,'[]','stored by the launcher: simulator','ACTIVE','',NULL,1,1795612596588749,1795612596588749,NULL);
INSERT INTO "keys" VALUES('01a212d9-d979-76ac-b974-922b0d75a852','platform','anthropic','default',1,'01a212d9-d96d-710c-bb1f-5d52132a3b53',X'4B574501012430316132313264392D643936642D373130632D626231662D356435323133326133623533BD2B3B698B74D9CFE4CB0A1FD3951185B40A2E5585AF2750C8F737DD30BB078569588AC2B69C61A811B0C27444CD8E91546FA11A84E4C0EF2992C30ECB5FF4577A10E2504BB043BBAFBE16A700345E022AF6E319615EA0F6BC9489DB3A76F18D23DF97FBCD85BD1A80AC86090C6FD6CABF9B2C5B9552AA7EC4B2C33ECE4697FF6E76','…sted','6f03fd408b331b6f',0,0,NULL,'[]','stored by the launcher: simulator','ACTIVE','',NULL,1,1795612596601563,1795612596601563,NULL);
INSERT INTO "keys" VALUES('01a212d9-d985-71b5-8e1f-7f3f969c59ce','platform','exa','default',1,'01a212d9-d96d-710c-bb1f-5d52132a3b53',X'4B574501012430316132313264392D643936642D373130632D626231662D3564353231333261336235330F5A3E8C5F737250F5861ED69D894B5FDCEFD85839633BB353296183E1C1FE337811E7F2386CD61D05D0F915B1A686B8111E5FFC15A05FCF31EE27FB499A91FAAC269A62E8833B7344D387C9002EC8753EC75F5F5D4A76D5E3CF6A0D7CB79032528A68A5724CD27C81BD052E5BC21EAD207B36FD23971847B0B54C16','…sted','d14ad8389c577389',0,0,NULL,'[]','stored by the launcher: simulator','ACTIVE','',NULL,1,1795612596613412,1795612596613412,NULL);
INSERT INTO "keys" VALUES('01a212d9-db3d-7002-b4d3-5386bb38ddd7','workspaces/north','openai','default',1,'01a212d9-db3d-7002-b4d3-5387ed4f7840',X'4B574501012430316132313264392D646233642D373030322D623464332D353338376564346637383430E2C62939767D92D3B5F4A5C2C79C345EC64DDB2D6D6150D5B3483308D972AD6B8DFF2031B714157EFDA38603F6F367A7CAFB6BB06903EB60040870E62EF6B4012DC2F891418CFDC5E2E00B7F00346B4AD8E4CFE4E3738E2B2D7263A229CB8D99AD1C4D4412A1ABF813270423F113FD82E34605691B13D44194590093764AEA387724','…orth','9f74299807c946b5',0,0,NULL,'[]','','ACTIVE','',NULL,1,1795612597052893,1795612597052893,NULL);
INSERT INTO "keys" VALUES('01a212d9-db53-7542-b5dd-3617396884d5','workspaces/north','anthropic','default',1,'01a212d9-db3d-7002-b4d3-5387ed4f7840',X'4B574501012430316132313264392D646233642D373030322D623464332D3533383765643466373834309E9364D4A4510E6318E10859BF0493D03D669F4E2039296A0198BD51CF1FAB39ADF5850CC34005713383A77FAC1B5D3B949795CF71E6CDBF9BC4AEE5C25BE41DE61992F3EAB73DED3402D5C20031E70879058BBAED815A7D9B1E741C4446C66501D71647F47ED1966D8151ED34EC1B48C2B00C2D3AB2FA44AFBAA4C2793B63','…orth','fd9cb042fecd61bc',0,0,NULL,'[]','','ACTIVE','',NULL,1,1795612597071754,1795612597071754,NULL);
INSERT INTO "keys" VALUES('01a212d9-db64-71de-8610-b83b7830cbec','workspaces/north','exa','default',1,'01a212d9-db3d-7002-b4d3-5387ed4f7840',X'','…gone','',0,0,NULL,'[]','','ACTIVE','',NULL,2,1795612597091725,1795612597095212,1795612597095212);
INSERT INTO "keys" VALUES('01a212d9-db82-71d3-8755-bdc38c925b4e','workspaces/south','openai','default',1,'01a212d9-db82-71d3-8755-bdc468febadc',X'4B574501012430316132313264392D646238322D373164332D383735352D6264633436386665626164636FBAC7C1B2F6B159A1D96DB6B1B228B50CC26AE6BF41F53F4BFC952EEB2B3EE1AFD13012F29085BBD3EF3D65DA64FA690388B9B48F344F86C70B84DEDA60A06FFBA7648E9E00CF33CA4764250034F00CBCA413C350F5117EEFFB4A1A9C1DA3DBEB2ED15C11698472450C064530094C2E5B238C27BDE416858CBE5277F05289AE055E','…outh','36df2002ba52adae',0,0,NULL,'[]','','ACTIVE','',NULL,1,1795612597122004,1795612597122004,NULL);
INSERT INTO "keys" VALUES('01a212d9-db8c-728e-955f-b2295f9645ac','workspaces/south','anthropic','default',1,'01a212d9-db82-71d3-8755-bdc468febadc',X'4B574501012430316132313264392D646238322D373164332D383735352D6264633436386665626164633BD8270CB32D5BD0A2AFEAAD2A4B7D81028EC2D79AD8B6720DBE5B25BAAD3B5F07ECAA5320031D48CF24A29D2E0F862C1FC35F089AF94A58C778C0BF06D529673506F445B42F7398CADE94280031A51AE2461261D48D4B1A10D22A1F60A927D9CB9EB0553E6170CFE77F91ECCAB79B68D24D8F46E78CDEA78B19A9AB97E93E','…outh','698cff56224f4809',0,0,NULL,'[]','','ACTIVE','',NULL,1,1795612597132180,1795612597132180,NULL);
INSERT INTO "keys" VALUES('01a212d9-db93-7285-b5aa-f78c73668951','workspaces/south','exa','default',1,'01a212d9-db82-71d3-8755-bdc468febadc',X'','…gone','',0,0,NULL,'[]','','ACTIVE','',NULL,2,1795612597139130,1795612597142973,1795612597142973);
CREATE TABLE master_keys (
    id          TEXT    NOT NULL PRIMARY KEY,
    generation  INTEGER NOT NULL UNIQUE,
    check_value TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
INSERT INTO "master_keys" VALUES('17cda915b561f7c4',1,'04601187d511013b',1795612596525070);
CREATE TABLE members (
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    subject    TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, subject)
) STRICT;
INSERT INTO "members" VALUES('demo','service:demo-admin','admin',1795612596621250,1795612596621250);
INSERT INTO "members" VALUES('north','service:first-admin','admin',1795612596967471,1795612596967471);
INSERT INTO "members" VALUES('south','service:first-admin','admin',1795612596998451,1795612596998451);
INSERT INTO "members" VALUES('north','service:ana','admin',1795612597015450,1795612597015450);
INSERT INTO "members" VALUES('north','service:auditing','reader',1795612597022865,1795612597022865);
INSERT INTO "members" VALUES('south','service:ana','admin',1795612597100110,1795612597100110);
INSERT INTO "members" VALUES('south','service:auditing','reader',1795612597102605,1795612597102605);
CREATE TABLE requests (
    scope      TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    body_hash  BLOB    NOT NULL,
    response   BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scope, request_id)
) STRICT;
CREATE TABLE "seaql_migrations" ( "version" varchar NOT NULL PRIMARY KEY, "applied_at" integer NOT NULL );
INSERT INTO "seaql_migrations" VALUES('vault_0001_start',1795612596);
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
INSERT INTO "tokens" VALUES('01a212d9-d931-7676-96c4-961eac9909dd',X'6BCA5231C0ABAFC8085F83F735EB52E7167783E42FB4E686B816E9CB636625FA',NULL,'service:bootstrap','operator','[]','made by keyway-vault bootstrap',1827148596529469,NULL,1795612596529469);
INSERT INTO "tokens" VALUES('01a212d9-d991-712b-9277-862dd7eaa100',X'744136C0E5FEC75314A363FE7CC938BD56A962CAEA29000BFCA92FE09507A3BF','demo','service:demo-admin','admin','[]','demo admin',1803388596624850,NULL,1795612596624850);
INSERT INTO "tokens" VALUES('01a212d9-d999-73b8-bf39-cc8d3543de5e',X'558A95E0FD1611238EC08D40D658048E5595CC0F749D1329C4C894A3A0A8B933','demo','service:demo-admin','caller','[]','demo calls',1803388596633054,NULL,1795612596633054);
INSERT INTO "tokens" VALUES('01a212d9-daf5-7701-a15f-a058f21393ba',X'C9A7B236F718E7DD3A0D37D83D2F39321898F4AC4DE50FC17754D66223E8C12B','north','service:first-admin','admin','[]','',1803388596981376,NULL,1795612596981376);
INSERT INTO "tokens" VALUES('01a212d9-db04-7287-a4b9-ba1a33bbebff',X'32913DA698DE5D69C9CF43BECBA358CFDC8413FC6020F795CEB9A90AAE535295','north','service:first-admin','caller','[]','',1803388596996236,NULL,1795612596996236);
INSERT INTO "tokens" VALUES('01a212d9-db10-7552-877b-187709b0a19f',X'FC7B3DA4D01D3F03D026030A942A35C0A773CC9BCD1E171F1050D9B53723530C','south','service:first-admin','admin','[]','',1803388597008116,NULL,1795612597008116);
INSERT INTO "tokens" VALUES('01a212d9-db15-7270-8036-166776f4c4e6',X'0B21DE4791F365BD3A9CE4A1C8EB28CD5FC5718FA1BC8833E03706426F391D57','south','service:first-admin','caller','[]','',1803388597013034,NULL,1795612597013034);
INSERT INTO "tokens" VALUES('01a212d9-db29-72ba-bc6d-d7c4f2825d49',X'E0C532BA35A40F0E6A958588621B00CBC1F7C29993D8EBBA39F393F1743A1E06','north','service:first-admin','caller','[]','made at step 0001',1803388597033624,NULL,1795612597033624);
INSERT INTO "tokens" VALUES('01a212d9-db35-7194-a651-d191dd219177',X'55AD0F4F6344D1660EF560714C2C6A35A1097790A68CF6F806BF3A53FC92BEB4','north','service:ana','admin','[]','made at step 0001',1803388597044827,NULL,1795612597044827);
INSERT INTO "tokens" VALUES('01a212d9-db71-7495-9ce7-f6660c2fa319',X'9C227D8D94DF9CBCBF7566ACDB00274C8A18544C9C2F926AFF2E882B1CACC685','south','service:first-admin','caller','[]','made at step 0001',1803388597105059,NULL,1795612597105059);
INSERT INTO "tokens" VALUES('01a212d9-db77-70a8-a137-6cea74fe5dc3',X'B4DAB5E52BDA1D32E689752D741EA8A3BD630718929363CD0E61D57A821401FE','south','service:ana','admin','[]','made at step 0001',1803388597110050,NULL,1795612597110050);
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
) STRICT;
INSERT INTO "workspaces" VALUES('demo','Demo','WORKSPACE_STATE_ACTIVE','',X'',X'',1,1795612596621250,1795612596621250);
INSERT INTO "workspaces" VALUES('north','Made by a test','WORKSPACE_STATE_ACTIVE','',X'',X'',1,1795612596967471,1795612596967471);
INSERT INTO "workspaces" VALUES('south','Made by a test','WORKSPACE_STATE_ACTIVE','',X'',X'',1,1795612596998451,1795612596998451);
CREATE INDEX tokens_by_member ON tokens (workspace, subject);
CREATE UNIQUE INDEX keys_live ON keys (owner, provider, name) WHERE deleted_at IS NULL;
CREATE INDEX requests_by_age ON requests (created_at);
COMMIT;
