"""Content types by file extension: the same on every machine, independent of Python's table and /etc/mime.types.

Mostly from https://www.iana.org/assignments/media-types/media-types.xhtml; for unregistered types, what browsers and
web servers use.  If an extension has two meanings, the one that is served more often wins: .ts is a transport stream.
"""

import os
from functools import cache

_TYPES = """
application/atom+xml atom
application/dash+xml mpd
application/epub+zip epub
application/geo+json geojson
application/geopackage+sqlite3 gpkg
application/gpx+xml gpx
application/gzip gz tgz
application/java-archive jar war ear
application/json json map topojson
application/jsonl jsonl
application/ld+json jsonld
application/manifest+json webmanifest
application/msword doc dot wiz
application/mxf mxf
application/n-quads nq
application/n-triples nt
application/octet-stream a bin dll exe o so
application/oda oda
application/ogg ogx
application/pdf pdf
application/pgp-encrypted gpg pgp
application/pgp-signature asc sig
application/pkcs10 p10
application/pkcs7-mime p7c p7m
application/pkcs8 p8
application/pkix-cert cer
application/pkix-crl crl
application/postscript ai eps ps
application/rdf+xml rdf
application/rss+xml rss
application/sql sql
application/toml toml
application/trig trig
application/vnd.amazon.ebook azw
application/vnd.android.package-archive apk
application/vnd.apache.arrow.file arrow feather
application/vnd.apache.arrow.stream arrows
application/vnd.apache.parquet parquet
application/vnd.apple.mpegurl m3u m3u8
application/vnd.dbf dbf
application/vnd.debian.binary-package deb udeb
application/vnd.google-earth.kml+xml kml
application/vnd.google-earth.kmz kmz
application/vnd.laszip laz
application/vnd.mozilla.xul+xml xul
application/vnd.ms-cab-compressed cab
application/vnd.ms-excel xlb xls xlt
application/vnd.ms-excel.sheet.binary.macroenabled.12 xlsb
application/vnd.ms-excel.sheet.macroenabled.12 xlsm
application/vnd.ms-fontobject eot
application/vnd.ms-outlook msg
application/vnd.ms-powerpoint pot ppa pps ppt pwz
application/vnd.ms-powerpoint.presentation.macroenabled.12 pptm
application/vnd.ms-word.document.macroenabled.12 docm
application/vnd.oasis.opendocument.graphics odg
application/vnd.oasis.opendocument.presentation odp
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.text odt
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.openxmlformats-officedocument.presentationml.slideshow ppsx
application/vnd.openxmlformats-officedocument.presentationml.template potx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.spreadsheetml.template xltx
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/vnd.openxmlformats-officedocument.wordprocessingml.template dotx
application/vnd.rar rar
application/vnd.shp shp
application/vnd.sqlite3 sqlite sqlite3
application/vnd.tcpdump.pcap cap pcap
application/vnd.visio vsd
application/wasm wasm
application/wsdl+xml wsdl
application/x-7z-compressed 7z
application/x-apple-diskimage dmg
application/x-bcpio bcpio
application/x-bittorrent torrent
application/x-bzip2 bz2 tbz2
application/x-chrome-extension crx
application/x-compress z
application/x-cpio cpio
application/x-csh csh
application/x-dvi dvi
application/x-gtar gtar
application/x-hdf hdf
application/x-hdf5 h5 hdf5
application/x-httpd-php php
application/x-ipynb+json ipynb
application/x-iso9660-image iso
application/x-latex latex
application/x-lzma lzma
application/x-mif mif
application/x-mobipocket-ebook mobi prc
application/x-ndjson ndjson
application/x-netcdf cdf nc
application/x-pem-file key pem
application/x-pkcs12 p12 pfx
application/x-pn-realaudio ram
application/x-python-code pyc pyo
application/x-rpm rpm
application/x-sh sh
application/x-shar shar
application/x-shockwave-flash swf
application/x-subrip srt
application/x-sv4cpio sv4cpio
application/x-sv4crc sv4crc
application/x-tar tar
application/x-tcl tcl
application/x-tex tex
application/x-texinfo texi texinfo
application/x-troff roff t tr
application/x-troff-man man
application/x-troff-me me
application/x-troff-ms ms
application/x-ustar ustar
application/x-wais-source src
application/x-x509-ca-cert crt der
application/x-xpinstall xpi
application/x-xz txz xz
application/xhtml+xml xht xhtml
application/xml rng xml xpdl xsd xsl
application/xslt+xml xslt
application/yaml yaml yml
application/zip zip
application/zstd tzst zst
audio/aac aac adts loas
audio/amr amr
audio/basic au snd
audio/flac flac
audio/midi kar mid midi
audio/mp4 m4a m4b
audio/mpeg mp2 mp3 mpga
audio/ogg oga ogg spx
audio/opus opus
audio/webm weba
audio/x-aiff aif aifc aiff
audio/x-caf caf
audio/x-matroska mka
audio/x-ms-wma wma
audio/x-pn-realaudio ra
audio/x-wav wav
font/collection ttc
font/otf otf
font/ttf ttf
font/woff woff
font/woff2 woff2
image/apng apng
image/avif avif
image/bmp bmp dib
image/cgm cgm
image/fits fit fits fts
image/gif gif
image/heic heic
image/heif heif hif
image/ief ief
image/jls jls
image/jp2 jp2 jpg2
image/jpeg jfif jpe jpeg jpg
image/jxl jxl
image/ktx ktx
image/ktx2 ktx2
image/png png
image/svg+xml svg svgz
image/tiff tif tiff
image/vnd.adobe.photoshop psb psd
image/vnd.djvu djv djvu
image/vnd.dwg dwg
image/vnd.dxf dxf
image/vnd.microsoft.icon cur ico
image/webp webp
image/x-adobe-dng dng
image/x-canon-cr2 cr2
image/x-canon-cr3 cr3
image/x-cmu-raster ras
image/x-exr exr
image/x-nikon-nef nef
image/x-portable-anymap pnm
image/x-portable-bitmap pbm
image/x-portable-graymap pgm
image/x-portable-pixmap ppm
image/x-rgb rgb
image/x-sony-arw arw
image/x-tga tga
image/x-xbitmap xbm
image/x-xpixmap xpm
image/x-xwindowdump xwd
message/rfc822 eml mht mhtml nws
model/3mf 3mf
model/gltf+json gltf
model/gltf-binary glb
model/mtl mtl
model/obj obj
model/step step stp
model/stl stl
model/vnd.usdz+zip usdz
text/cache-manifest appcache
text/calendar ics ifb
text/css css
text/csv csv
text/html htm html
text/javascript cjs js mjs
text/markdown markdown md
text/n3 n3
text/plain bat c cfg conf def h ini ksh list log pl properties text txt
text/richtext rtx
text/rtf rtf
text/tab-separated-values tsv
text/turtle ttl
text/vcard vcf
text/vtt vtt
text/x-python py
text/x-rst rst
text/x-setext etx
text/x-sgml sgm sgml
text/x-ssa ass ssa
video/3gpp 3gp 3gpp
video/3gpp2 3g2 3gpp2
video/iso.segment m4s
video/mj2 mj2 mjp2
video/mp2t m2ts mts ts
video/mp4 m4v mp4 mp4v mpg4
video/mpeg m1v m2v mpa mpe mpeg mpg
video/ogg ogv
video/quicktime mov qt
video/webm webm
video/x-dv dv
video/x-flv f4v flv
video/x-matroska mk3d mkv
video/x-ms-asf asf
video/x-ms-wmv wmv
video/x-msvideo avi
video/x-sgi-movie movie
"""


@cache
def _by_ending() -> dict[str, str]:
    lines = (line.split() for line in _TYPES.strip().splitlines())
    return {ending: kind for kind, *endings in lines for ending in endings}


def content_type(name: str) -> str | None:
    """The content type for the last extension of a path or key, in upper or lower case; None when unknown.

    For film.txt.gz, .gz decides: the content is not text.
    """
    ending = os.path.splitext(name)[1]  # noqa: PTH122 - keys are not paths
    return _by_ending().get(ending[1:].lower())
