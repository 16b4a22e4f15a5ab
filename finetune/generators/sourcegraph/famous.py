"""Projects that people name without their owner. General knowledge; no project stands in two splits."""


def _famous(text: str) -> tuple[tuple[str, str], ...]:
    """`(spoken name, owner/name)` of `name=owner/name`, or of `name=owner` where the repository has that name too."""
    pairs = (entry.split("=") for entry in " ".join(text.split()).split(", "))
    return tuple((said, path if "/" in path else f"{path}/{said.lower()}") for said, path in pairs)


TRAIN = _famous("""
React=facebook, Vue=vuejs, Svelte=sveltejs, Next.js=vercel, Deno=denoland, TypeScript=microsoft/TypeScript,
Babel=babel, ESLint=eslint, Prettier=prettier, Django=django, Flask=pallets, FastAPI=tiangolo, NumPy=numpy,
pandas=pandas-dev, scikit-learn=scikit-learn, Keras=keras-team, Hugging Face
Transformers=huggingface/transformers, Rails=rails, Jekyll=jekyll, Homebrew=Homebrew/brew, Laravel=laravel,
Symfony=symfony, Spring Boot=spring-projects/spring-boot, Apache Kafka=apache/kafka, Apache
Spark=apache/spark, Cassandra=apache, Hadoop=apache, Elasticsearch=elastic, Kibana=elastic, Grafana=grafana,
Prometheus=prometheus, Terraform=hashicorp, HashiCorp Vault=hashicorp/vault, Consul=hashicorp, Helm=helm,
Istio=istio, etcd=etcd-io, MongoDB=mongodb/mongo, ClickHouse=ClickHouse/ClickHouse, Rust=rust-lang,
Cargo=rust-lang, Tokio=tokio-rs, LLVM=llvm/llvm-project, Git=git, Electron=electron, Flutter=flutter,
Bitcoin=bitcoin, Godot=godotengine, FFmpeg=FFmpeg/FFmpeg, curl=curl, OpenSSL=openssl, Ansible=ansible,
Gin=gin-gonic, Traefik=traefik, MinIO=minio, lodash=lodash, Express=expressjs, Bootstrap=twbs, jQuery=jquery,
Redux=reduxjs, Gatsby=gatsbyjs, Vite=vitejs, Celery=celery, Scrapy=scrapy, Gitea=go-gitea, Mastodon=mastodon,
Discourse=discourse, OkHttp=square, Google Guava=google/guava, Protobuf=protocolbuffers, Bazel=bazelbuild,
Facebook RocksDB=facebook/rocksdb, Jaeger=jaegertracing, Vitess=vitessio, InfluxDB=influxdata,
Phoenix=phoenixframework, Julia=JuliaLang, Docker Compose=docker/compose, containerd=containerd, Apache
Arrow=apache/arrow, Apache Flink=apache/flink
""")

VAL = _famous("""
Webpack=webpack, SciPy=scipy, Nomad=hashicorp, serde=serde-rs, Hugo=gohugoio, Storybook=storybookjs,
Retrofit=square, Apache Lucene=apache/lucene, Telegraf=influxdata, Elixir=elixir-lang
""")

TEST = _famous("""
Jest=facebook, Node.js=nodejs/node, Requests=psf, Apache ZooKeeper=apache/zookeeper, Moby=moby,
MySQL=mysql/mysql-server, Swift=apple, Kotlin=JetBrains, Vim=vim, Solidity=ethereum, Blender=blender,
HAProxy=haproxy, D3=d3, Tailwind CSS=tailwindlabs/tailwindcss, Nuxt=nuxt, Pillow=python-pillow/Pillow, Home
Assistant=home-assistant/core, Google LevelDB=google/leveldb, Ruby=ruby, Fluentd=fluent, CoreDNS=coredns
""")
