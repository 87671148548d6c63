-- A catalog of version 1 with a few documents, as that version wrote it. Never changes.
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
) STRICT;
CREATE TABLE product (
	"key" INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created TEXT NOT NULL, 
	modified TEXT NOT NULL, 
	name TEXT, 
	image_index_name TEXT, 
	product_tier TEXT, 
	start_datetime TEXT, 
	end_datetime TEXT, 
	is_core INTEGER, 
	revisit_period_minutes_min REAL, 
	revisit_period_minutes_max REAL, 
	resolution_min REAL, 
	resolution_max REAL, 
	body TEXT NOT NULL, 
	PRIMARY KEY ("key"), 
	CHECK (json_valid(body)), 
	UNIQUE (id)
) STRICT;
CREATE TABLE band (
	"key" INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created TEXT NOT NULL, 
	modified TEXT NOT NULL, 
	product_id TEXT NOT NULL, 
	name TEXT, 
	type TEXT, 
	sort_order INTEGER, 
	resolution REAL, 
	wavelength_nm_center REAL, 
	wavelength_nm_min REAL, 
	wavelength_nm_max REAL, 
	wavelength_nm_fwhm REAL, 
	frequency REAL, 
	bandwidth REAL, 
	body TEXT NOT NULL, 
	PRIMARY KEY ("key"), 
	CHECK (json_valid(body)), 
	UNIQUE (id), 
	FOREIGN KEY(product_id) REFERENCES product (id)
) STRICT;
CREATE INDEX band_by_product ON band (product_id, sort_order);
CREATE TABLE image (
	"key" INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created TEXT NOT NULL, 
	modified TEXT NOT NULL, 
	product_id TEXT NOT NULL, 
	name TEXT, 
	acquired TEXT, 
	acquired_end TEXT, 
	published TEXT, 
	storage_state TEXT, 
	processing_pipeline_id TEXT, 
	satellite_id TEXT, 
	provider_id TEXT, 
	area REAL, 
	azimuth_angle REAL, 
	bright_fraction REAL, 
	cloud_fraction REAL, 
	confidence_dlsr REAL, 
	alt_cloud_fraction REAL, 
	fill_fraction REAL, 
	incidence_angle REAL, 
	roll_angle REAL, 
	solar_azimuth_angle REAL, 
	solar_elevation_angle REAL, 
	view_angle REAL, 
	size_bytes INTEGER NOT NULL, 
	minx REAL, 
	miny REAL, 
	maxx REAL, 
	maxy REAL, 
	footprint BLOB, 
	body TEXT NOT NULL, 
	PRIMARY KEY ("key"), 
	CHECK (json_valid(body)), 
	UNIQUE (id), 
	FOREIGN KEY(product_id) REFERENCES product (id)
) STRICT;
CREATE INDEX image_by_product ON image (product_id, acquired, cloud_fraction);
CREATE INDEX image_by_time ON image (acquired);
CREATE TABLE upload (
	"key" INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created TEXT NOT NULL, 
	modified TEXT NOT NULL, 
	product_id TEXT, 
	image_id TEXT, 
	user TEXT, 
	status TEXT, 
	body TEXT NOT NULL, 
	PRIMARY KEY ("key"), 
	CHECK (json_valid(body)), 
	UNIQUE (id), 
	FOREIGN KEY(product_id) REFERENCES product (id)
) STRICT;
CREATE INDEX upload_by_product ON upload (product_id);
CREATE TABLE image_tag (
	tag TEXT NOT NULL, 
	image_key INTEGER NOT NULL, 
	PRIMARY KEY (tag, image_key), 
	FOREIGN KEY(image_key) REFERENCES image ("key") ON DELETE CASCADE
)
 WITHOUT ROWID, STRICT;
CREATE INDEX image_tag_by_image ON image_tag (image_key);
CREATE VIRTUAL TABLE image_rt USING rtree(id, minx, maxx, miny, maxy, mint, maxt);
CREATE TRIGGER image_rt_insert AFTER INSERT ON image WHEN NEW.minx IS NOT NULL BEGIN INSERT INTO image_rt SELECT 2 * NEW.key, NEW.minx, iif(NEW.minx > NEW.maxx, 180.0, NEW.maxx), NEW.miny, NEW.maxy, t, t FROM (SELECT coalesce(strftime('%s', substr(NEW.acquired, 1, 19)) / 5000000.0, 1000000.0) AS t); END;
CREATE TRIGGER image_rt_insert_second AFTER INSERT ON image WHEN NEW.minx > NEW.maxx BEGIN INSERT INTO image_rt SELECT 2 * NEW.key + 1, -180.0, NEW.maxx, NEW.miny, NEW.maxy, t, t FROM (SELECT coalesce(strftime('%s', substr(NEW.acquired, 1, 19)) / 5000000.0, 1000000.0) AS t); END;
CREATE TRIGGER image_rt_delete AFTER DELETE ON image WHEN OLD.minx IS NOT NULL BEGIN DELETE FROM image_rt WHERE id = 2 * OLD.key; DELETE FROM image_rt WHERE id = 2 * OLD.key + 1; END;
CREATE TRIGGER image_rt_update AFTER UPDATE OF key, minx, miny, maxx, maxy, acquired ON image WHEN OLD.key IS NOT NEW.key OR OLD.minx IS NOT NEW.minx OR OLD.miny IS NOT NEW.miny OR OLD.maxx IS NOT NEW.maxx OR OLD.maxy IS NOT NEW.maxy OR OLD.acquired IS NOT NEW.acquired BEGIN DELETE FROM image_rt WHERE id = 2 * OLD.key; DELETE FROM image_rt WHERE id = 2 * OLD.key + 1; INSERT INTO image_rt SELECT 2 * NEW.key, NEW.minx, iif(NEW.minx > NEW.maxx, 180.0, NEW.maxx), NEW.miny, NEW.maxy, t, t FROM (SELECT coalesce(strftime('%s', substr(NEW.acquired, 1, 19)) / 5000000.0, 1000000.0) AS t) WHERE NEW.minx IS NOT NULL; INSERT INTO image_rt SELECT 2 * NEW.key + 1, -180.0, NEW.maxx, NEW.miny, NEW.maxy, t, t FROM (SELECT coalesce(strftime('%s', substr(NEW.acquired, 1, 19)) / 5000000.0, 1000000.0) AS t) WHERE NEW.minx > NEW.maxx; END;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO product VALUES (1, 'p', 1, '2024-01-01T00:00:00.000000000Z', '2024-01-01T00:00:00.000000000Z', 'Product p', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10.0, 10.0, '{"tags":["t"],"owners":["user:local"],"resolution_min":{"value":10.0,"unit":"meters"},"resolution_max":{"value":10.0,"unit":"meters"}}');
INSERT INTO band VALUES (1, 'p:red', 1, '2024-01-01T00:00:00.000000000Z', '2024-01-01T00:00:00.000000000Z', 'p', 'red', 'spectral', 1, 10.0, NULL, NULL, NULL, NULL, NULL, NULL, '{"data_type":"UInt16","data_range":[0,10000],"display_range":[0,4000],"band_index":0,"resolution":{"value":10.0,"unit":"meters"},"file_index":0,"jpx_layer_index":0}');
INSERT INTO image VALUES (1, 'p:a', 1, '2024-01-01T00:00:00.000000000Z', '2024-01-01T00:00:00.000000000Z', 'p', 'a', '2023-07-01T00:00:00.000000000Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 3, 1.0, 2.0, 2.0, 3.0, X'01030000000100000005000000000000000000F03F00000000000000400000000000000040000000000000004000000000000000400000000000000840000000000000F03F0000000000000840000000000000F03F0000000000000040', '{"tags":["x"],"files":[{"href":"a.tif","size_bytes":3}]}');
INSERT INTO image VALUES (2, 'p:b', 1, '2024-01-01T00:00:00.000000000Z', '2024-01-01T00:00:00.000000000Z', 'p', 'b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 179.5, 0.0, -179.5, 1.0, X'0106000000020000000103000000010000000500000000000000007066C0000000000000000000000000008066C0000000000000000000000000008066C0000000000000F03F00000000007066C0000000000000F03F00000000007066C00000000000000000010300000001000000050000000000000000706640000000000000F03F0000000000806640000000000000F03F00000000008066400000000000000000000000000070664000000000000000000000000000706640000000000000F03F', '{"geometry":{"type":"Polygon","coordinates":[[[179.5,0.0],[180.5,0.0],[180.5,1.0],[179.5,1.0],[179.5,0.0]]]}}');
INSERT INTO image_tag VALUES ('x', 1);
INSERT INTO meta VALUES ('uuid', '00000000-0000-4000-8000-000000000001');
INSERT INTO meta VALUES ('created', '2024-01-01T00:00:00Z');
INSERT INTO alembic_version VALUES ('0001');
PRAGMA application_id = 1147238254;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
