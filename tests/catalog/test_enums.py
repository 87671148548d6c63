from __future__ import annotations

import json
from enum import StrEnum

import pytest

from dawnlight.catalog import _enums

ENUMS = [getattr(_enums, name) for name in _enums.__all__]

EXPECTED = {
    "DocumentState": "SAVED=saved MODIFIED=modified UNSAVED=unsaved DELETED=deleted",
    "StorageState": "AVAILABLE=available REMOTE=remote",
    "DataType": (
        "BYTE=Byte UINT16=UInt16 INT16=Int16 UINT32=UInt32 INT32=Int32 FLOAT32=Float32 FLOAT64=Float64"
    ),
    "BandType": "CLASS=class SPECTRAL=spectral MASK=mask MICROWAVE=microwave GENERIC=generic",
    "Colormap": (
        "MAGMA=magma INFERNO=inferno PLASMA=plasma VIRIDIS=viridis COOL=cool HOT=hot COOLWARM=coolwarm "
        "BWR=bwr GIST_EARTH=gist_earth TERRAIN=terrain CDL=cdl"
    ),
    "ResolutionUnit": "METERS=meters DEGREES=degrees",
    "ResampleAlgorithm": (
        "NEAR=near BILINEAR=bilinear CUBIC=cubic CUBICSPLINE=cubicspline LANCZOS=lanczos AVERAGE=average "
        "MODE=mode MAX=max MIN=min MEDIAN=med Q1=q1 Q3=q3"
    ),
    "DownloadFileFormat": "JPEG=jpg PNG=png TIF=tif",
    "OverviewResampler": (
        "NEAREST=nearest AVERAGE=average GAUSS=gauss CUBIC=cubic CUBICSPLINE=cubicspline LANCZOS=lanczos "
        "AVERAGE_MP=average_mp AVERAGE_MAGPHASE=average_magphase MODE=mode"
    ),
    "ImageUploadType": "NDARRAY=ndarray FILE=file",
    "ImageUploadStatus": (
        "TRANSFERRING=transferring PENDING=pending RUNNING=running SUCCESS=success FAILURE=failure "
        "CANCELED=canceled"
    ),
    "ImageUploadEventType": (
        "QUEUE=queue CANCEL=cancel RUN=run COMPLETE=complete ERROR=error TIMEOUT=timeout LOG=log USAGE=usage"
    ),
    "ImageUploadEventSeverity": ("CRITICAL=CRITICAL ERROR=ERROR WARNING=WARNING INFO=INFO DEBUG=DEBUG"),
    "Interval": "YEAR=year QUARTER=quarter MONTH=month WEEK=week DAY=day HOUR=hour MINUTE=minute",
    "AggregateDateField": "ACQUIRED=acquired CREATED=created MODIFIED=modified PUBLISHED=published",
    "TaskState": "NEVERRAN=NONE RUNNING=RUNNING SUCCEEDED=SUCCESS FAILED=FAILURE",
}


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_members_are_those_of_the_api(enum: type[StrEnum]) -> None:
    expected = dict(word.split("=") for word in EXPECTED[enum.__name__].split())
    assert {member.name: member.value for member in enum} == expected


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_members_are_their_strings(enum: type[StrEnum]) -> None:
    for member in enum:
        assert member == member.value
        assert f"{member}" == member.value
        assert json.dumps(member) == json.dumps(member.value)
